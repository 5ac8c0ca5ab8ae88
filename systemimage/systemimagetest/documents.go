package systemimagetest

import (
	"maps"
	"strings"
	"sync"
)

// documents are the JSON files that programs of a server read last, and the keys that
// they signed with: most reads find the same bytes again, and decoding them is most of
// a program's work. What the file holds still counts, not what was remembered.
type documents struct {
	mu   sync.Mutex
	read map[string]document // by the path below the server's folder
	keys map[string]*signer  // by the text of the key's file
}

type document struct {
	text  string
	value any
}

func newDocuments() *documents {
	return &documents{read: map[string]document{}, keys: map[string]*signer{}}
}

// clone is for another server, whose files go their own way.
func (d *documents) clone() *documents {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &documents{read: maps.Clone(d.read), keys: maps.Clone(d.keys)}
}

// decode is decodeJSON of a file's content. The caller may change what it gets.
func (p *process) decode(path string, text []byte) (any, error) {
	d, name := p.docs, strings.TrimPrefix(path, p.home)
	d.mu.Lock()
	last, ok := d.read[name]
	d.mu.Unlock()
	if ok && last.text == string(text) {
		return clone(last.value), nil
	}
	v, err := decodeJSON(text)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.read[name] = document{string(text), clone(v)}
	return v, nil
}

// key is the signer of a key's file.
func (p *process) key(path string) (*signer, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	d := p.docs
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.keys[string(text)]; s != nil {
		return s, nil
	}
	s, err := readKey(text)
	if err == nil {
		d.keys[string(text)] = s
	}
	return s, err
}
