package runbook

import (
	"bytes"
	"encoding/json"
	"strings"
)

// asJSON is the value of a field of the Runner.
func asJSON(field string, v any) (json.RawMessage, error) {
	m, err := raw(v)
	if err != nil {
		return nil, &Error{Kind: ErrInvalid, Text: "Runner." + field + " is no JSON", Err: err}
	}
	return m, nil
}

// sameJSON compares two inputs or worlds, where a member that is absent equals
// one that is zero: so a program may get new inputs while runs are waiting.
func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	return bytes.Equal(withoutZeros(a), withoutZeros(b))
}

func withoutZeros(text json.RawMessage) []byte {
	if len(text) == 0 {
		return nil
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return text
	}
	v = pruned(v)
	if v == nil {
		return nil
	}
	out, err := json.Marshal(v)
	if err != nil {
		return text
	}
	return out
}

func pruned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, m := range v {
			if m = pruned(m); m == nil {
				delete(v, k)
			} else {
				v[k] = m
			}
		}
		if len(v) > 0 {
			return v
		}
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
		if len(v) > 0 {
			return v
		}
	case string:
		if v != "" {
			return v
		}
	case bool:
		if v {
			return v
		}
	case json.Number:
		if strings.Trim(v.String(), "0.-") != "" {
			return v
		}
	}
	return nil
}
