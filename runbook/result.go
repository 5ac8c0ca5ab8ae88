package runbook

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// lossy is a result that JSON does not carry. The effect has happened, so its
// step is in doubt until somebody mends the type.
type lossy struct{ text string }

func (e *lossy) Error() string { return "result does not survive JSON: " + e.text }

// throughJSON encodes a result and makes sure that decoding gives the same
// again, so that a first run and a resumed one cannot see different values.
func throughJSON[T any](v T) (json.RawMessage, error) {
	m, err := json.Marshal(v)
	if err != nil {
		return nil, &Error{Kind: ErrInvalid, Err: &lossy{err.Error()}}
	}
	var back T
	if err := json.Unmarshal(m, &back); err != nil {
		return nil, &Error{Kind: ErrInvalid, Err: &lossy{err.Error()}}
	}
	if where := difference(reflect.ValueOf(&v).Elem(), reflect.ValueOf(&back).Elem(), ""); where != "" {
		return nil, &Error{Kind: ErrInvalid, Err: &lossy{where}, Hint: "export the field, drop its `json:\"-\"`, or return less"}
	}
	return m, nil
}

// difference says where a and b differ. Values with an Equal method are asked
// (time.Time loses its monotonic clock); nil and empty are the same.
func difference(a, b reflect.Value, at string) string {
	switch {
	case a.IsValid() != b.IsValid():
		return at + " is lost"
	case !a.IsValid():
		return ""
	case a.Type() != b.Type():
		return fmt.Sprintf("%s is a %v and comes back as a %v", orValue(at), a.Type(), b.Type())
	}
	if eq, ok := equalMethod(a, b); ok {
		if eq.Call([]reflect.Value{b})[0].Bool() {
			return ""
		}
		return orValue(at) + " changes"
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		return differentTarget(a, b, at)
	case reflect.Struct:
		return differentField(a, b, at)
	case reflect.Slice, reflect.Array:
		return differentElement(a, b, at)
	case reflect.Map:
		return differentEntry(a, b, at)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		if a.IsNil() && b.IsNil() {
			return ""
		}
		return orValue(at) + " is lost"
	}
	if !a.Equal(b) {
		return orValue(at) + " is lost or changes"
	}
	return ""
}

// equalMethod is the method Equal(T) bool of a T, if it can be called on a.
func equalMethod(a, b reflect.Value) (eq reflect.Value, ok bool) {
	if !a.CanInterface() {
		return eq, false
	}
	eq = a.MethodByName("Equal")
	if !eq.IsValid() || a.Kind() == reflect.Pointer && (a.IsNil() || b.IsNil()) {
		return eq, false
	}
	t := eq.Type()
	return eq, t.NumIn() == 1 && t.In(0) == a.Type() && t.NumOut() == 1 && t.Out(0).Kind() == reflect.Bool
}

func differentTarget(a, b reflect.Value, at string) string {
	if a.IsNil() != b.IsNil() {
		return orValue(at) + " is lost"
	}
	return difference(a.Elem(), b.Elem(), at)
}

func differentField(a, b reflect.Value, at string) string {
	for i := range a.NumField() {
		if d := difference(a.Field(i), b.Field(i), at+"."+a.Type().Field(i).Name); d != "" {
			return d
		}
	}
	return ""
}

func differentElement(a, b reflect.Value, at string) string {
	if a.Len() != b.Len() {
		return orValue(at) + " changes its length"
	}
	for i := range a.Len() {
		if d := difference(a.Index(i), b.Index(i), fmt.Sprintf("%s[%d]", at, i)); d != "" {
			return d
		}
	}
	return ""
}

func differentEntry(a, b reflect.Value, at string) string {
	if a.Len() != b.Len() {
		return orValue(at) + " changes its length"
	}
	for it := a.MapRange(); it.Next(); {
		if d := difference(it.Value(), b.MapIndex(it.Key()), fmt.Sprintf("%s[%v]", at, it.Key())); d != "" {
			return d
		}
	}
	return ""
}

func orValue(at string) string {
	if at == "" {
		return "the value"
	}
	return at
}
