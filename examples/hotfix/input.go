package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/procedure"
)

// hotfixFile is the input as people write it.
type hotfixFile struct {
	procedure.HotfixInput
	Grace duration `json:"grace"`
}

// A duration is written as text: a bare number says nothing about its unit.
type duration time.Duration

// UnmarshalJSON reads "48h" or "1h30m".
func (d *duration) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) != nil || s == "" {
		return fmt.Errorf("%s is no time: write it with its unit, such as \"48h\"", text)
	}
	t, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is no time: write it such as \"48h\" or \"1h30m\"", s)
	}
	*d = duration(t)
	return nil
}

// readInput reads the input of a hotfix from a file.
func readInput(name string) (procedure.HotfixInput, error) {
	var f hotfixFile
	err := read(name, &f)
	f.HotfixInput.Grace = time.Duration(f.Grace)
	return f.HotfixInput, err
}

// most is more than any input is long.
const most = 16 << 20

// read decodes a file of JSON. A field that is none is a misspelt one. Errors say in
// which line, and which field.
func read(name string, v any) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return err
	}
	if len(text) > most {
		return fmt.Errorf("%s is longer than %d MB", name, most>>20)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err = d.Decode(v); err == nil {
		if _, err = d.Token(); err == io.EOF {
			return nil
		}
		err = errors.New("something follows the end")
	}
	return located(name, text, d.InputOffset(), err)
}

var unknownField = regexp.MustCompile(`unknown field "([^"]*)"`)

// located adds the line to an error of the decoder, and the field.
func located(name string, text []byte, offset int64, err error) error {
	field := ""
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		offset, err = syntax.Offset, errors.New(strings.TrimPrefix(syntax.Error(), "json: "))
	case errors.As(err, &kind):
		offset, field = kind.Offset, strings.TrimPrefix(kind.Field, "HotfixInput.")
		err = fmt.Errorf("a %s is written where a %s is wanted", kind.Value, plainKind(kind))
	case unknownField.MatchString(err.Error()):
		field = unknownField.FindStringSubmatch(err.Error())[1]
		offset, err = int64(bytes.Index(text, []byte(`"`+field+`"`))), errors.New("there is no such field: it may be misspelt")
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
		offset, err = int64(len(text)), errors.New("the text ends too early")
	default: // of a value that reads itself, whose place the decoder does not say
		for _, own := range []string{"grace", "schedule"} {
			if at := valueOf(text, own, err); at >= 0 {
				offset, field = int64(at), own
			}
		}
	}
	offset = min(max(offset, 0), int64(len(text)))
	line := 1 + bytes.Count(text[:offset], []byte("\n"))
	if field != "" {
		field += ": "
	}
	return fmt.Errorf("%s:%d: %s%w", name, line, field, err)
}

// plainKind says what a field takes, without Go's words.
func plainKind(e *json.UnmarshalTypeError) string {
	switch kind := e.Type.Kind().String(); kind {
	case "slice", "array":
		return "list"
	case "struct", "map":
		return "group in braces"
	case "bool":
		return "true or false"
	case "string":
		return "text in quotes"
	}
	return "number"
}

// valueOf finds the value of a field if it is the one that reads itself with an error.
func valueOf(text []byte, field string, err error) int {
	for _, m := range regexp.MustCompile(`"`+field+`"\s*:\s*`).FindAllIndex(text, -1) {
		var v json.RawMessage
		if json.NewDecoder(bytes.NewReader(text[m[1]:])).Decode(&v) != nil {
			continue
		}
		var target any = new(duration)
		if field == "schedule" {
			target = &new(procedure.HotfixInput).Schedule
		}
		if json.Unmarshal(v, target) != nil && err != nil {
			return m[1]
		}
	}
	return -1
}
