package operate

import "strings"

// A shellWord is one word of a command line, unquoted, or the end of a simple
// command (";", "&&", "|", "(", a closing or opening brace).
type shellWord struct {
	text     string
	quoted   bool // some of it was in quotes
	redirect bool // the file behind > or <
	end      bool
}

// shellWords splits a command line as far as telling commands from arguments
// needs it. It knows quotes, backslashes, comments, redirections and operators,
// and takes command substitution for one more operator.
func shellWords(line string) []shellWord {
	s := wordSplitter{line: line}
	for s.at < len(line) && !s.atComment() {
		s.next()
	}
	s.endWord()
	return s.words
}

// A wordSplitter goes over a command line from left to right.
type wordSplitter struct {
	line string
	at   int // the character that comes next

	words    []shellWord
	word     strings.Builder // the word that is being read
	in       bool            // there is one
	quoted   bool
	redirect bool
}

func (s *wordSplitter) atComment() bool { return !s.in && s.line[s.at] == '#' }

// next reads one character, a quoted text or an escaped character.
func (s *wordSplitter) next() {
	c := s.line[s.at]
	s.at++
	switch c {
	case ' ', '\t', '\r':
		s.endWord()
	case '\'', '"':
		s.quote(c)
	case '\\':
		s.in = true
		s.escaped()
	case ';', '&', '|', '(', ')', '`', '\n':
		s.operator(c)
	case '>', '<':
		if s.in && strings.Trim(s.word.String(), "0123456789") == "" {
			s.in = false // the number belongs to the redirection
		}
		s.endWord()
		s.redirect = true
	case '{', '}', '!':
		s.brace(c)
	default:
		s.put(c)
	}
}

func (s *wordSplitter) put(c byte) {
	s.in = true
	s.word.WriteByte(c)
}

// quote reads up to the closing quote; only double quotes know the backslash.
func (s *wordSplitter) quote(q byte) {
	s.in, s.quoted = true, true
	for ; s.at < len(s.line) && s.line[s.at] != q; s.at++ {
		if q == '"' && s.line[s.at] == '\\' && s.at+1 < len(s.line) {
			s.at++
		}
		s.word.WriteByte(s.line[s.at])
	}
	s.at++
}

// escaped takes the character behind a backslash as it is.
func (s *wordSplitter) escaped() {
	if s.at < len(s.line) {
		s.word.WriteByte(s.line[s.at])
		s.at++
	}
}

func (s *wordSplitter) operator(c byte) {
	if c == '&' && s.redirect { // 2>&1
		s.put(c)
		return
	}
	s.endWord()
	s.endCommand()
}

// brace ends a simple command where it is a word of its own.
func (s *wordSplitter) brace(c byte) {
	if !s.in && (s.at == len(s.line) || s.line[s.at] == ' ') {
		s.endCommand()
		return
	}
	s.put(c)
}

func (s *wordSplitter) endCommand() { s.words = append(s.words, shellWord{end: true}) }

func (s *wordSplitter) endWord() {
	if s.in {
		s.words = append(s.words, shellWord{text: s.word.String(), quoted: s.quoted, redirect: s.redirect})
		s.redirect = false
	}
	s.word.Reset()
	s.in, s.quoted = false, false
}
