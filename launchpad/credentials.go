package launchpad

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// credentialsEnv names the environment variable that holds the path of a
// credentials file.
const credentialsEnv = "LP_CREDENTIALS_FILE"

// Credentials are an OAuth access token. The secrets can be put in and are
// sent to Launchpad, but no way of printing shows them.
type Credentials struct {
	ConsumerKey string // the program's name, for example "landing-tool"

	s func() secrets // fmt looks into structs and pointers, but not into a function
}

type secrets struct{ consumer, token, secret string }

// NewCredentials makes credentials from an access token and its secret.
func NewCredentials(consumerKey, token, secret string) *Credentials {
	return &Credentials{ConsumerKey: consumerKey, s: func() secrets { return secrets{token: token, secret: secret} }}
}

// ReadFile reads a credentials file as launchpadlib writes it: an INI file with
// one section named 1. An empty path takes the one that the environment
// variable LP_CREDENTIALS_FILE names; without it, there are [ErrNoCredentials].
func (c *Credentials) ReadFile(path string) error {
	if path == "" {
		if path = os.Getenv(credentialsEnv); path == "" {
			return ErrNoCredentials
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cannot read credentials: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return fmt.Errorf("cannot read credentials: %w", err)
	}
	if err := c.UnmarshalText(b); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// UnmarshalText reads the text of a credentials file, or that text as a
// desktop keyring holds it: in base64 after "<B64>". Errors name the line and
// never its content, and leave c as it is.
func (c *Credentials) UnmarshalText(b []byte) error {
	if packed, ok := bytes.CutPrefix(bytes.TrimSpace(b), []byte("<B64>")); ok {
		plain, err := base64.StdEncoding.DecodeString(string(packed))
		if err != nil {
			return errors.New("not a credentials file: bad base64 after <B64>")
		}
		b = plain
	}
	consumer, s := "", secrets{}
	fields := map[string]*string{
		"consumer_key": &consumer, "consumer_secret": &s.consumer,
		"access_token": &s.token, "access_secret": &s.secret,
	}
	section := ""
	text := strings.TrimPrefix(string(b), "\ufeff")
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' && line[len(line)-1] == ']' {
			section = line[1 : len(line)-1]
			continue
		}
		j := strings.IndexAny(line, "=:")
		if j < 0 {
			return fmt.Errorf("line %d: want key = value", i+1)
		}
		if section != "1" {
			continue // other format versions may follow
		}
		if f := fields[strings.ToLower(strings.TrimSpace(line[:j]))]; f != nil {
			*f = strings.ReplaceAll(strings.TrimSpace(line[j+1:]), "%%", "%") // as Python's ConfigParser does
		}
	}
	if consumer == "" || s.token == "" || s.secret == "" {
		return errors.New("not a credentials file: want section [1] with consumer_key, access_token and access_secret")
	}
	for _, v := range fields {
		if strings.ContainsFunc(*v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return errors.New("not a credentials file: control character in a value")
		}
	}
	c.ConsumerKey, c.s = consumer, func() secrets { return s }
	return nil
}

// WriteFile stores the credentials for launchpadlib and for [Credentials.ReadFile],
// readable by the owner alone. The file is replaced in one step and read back.
func (c *Credentials) WriteFile(path string) (err error) {
	s := c.secrets()
	text := strings.ReplaceAll("[1]\nconsumer_key = "+c.ConsumerKey+"\nconsumer_secret = "+s.consumer+
		"\naccess_token = "+s.token+"\naccess_secret = "+s.secret+"\n\n", "%", "%%")
	p := &Credentials{}
	if err := p.UnmarshalText([]byte(text)); err != nil || p.ConsumerKey != c.ConsumerKey || p.secrets() != s {
		return errors.New("cannot write credentials: a value is empty, or has spaces at its ends or a line break")
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".credentials-*") // mode 0600
	if err != nil {
		return fmt.Errorf("cannot write credentials: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("cannot write credentials: %w", err)
		}
	}()
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	got, err := os.ReadFile(path)
	if err == nil && string(got) != text {
		err = errors.New("the file reads differently than written")
	}
	return err
}

func (c *Credentials) secrets() secrets {
	if c == nil || c.s == nil {
		return secrets{}
	}
	return c.s()
}

// header is the value of the Authorization header. Without credentials it
// names the consumer with an empty token, which is anonymous access.
func (c *Credentials) header(consumer string, now time.Time) string {
	s := c.secrets()
	if c != nil {
		consumer = c.ConsumerKey
	}
	pairs := [...][2]string{
		{"oauth_consumer_key", consumer},
		{"oauth_token", s.token},
		{"oauth_signature_method", "PLAINTEXT"},
		{"oauth_signature", s.consumer + "&" + s.secret},
		{"oauth_timestamp", strconv.FormatInt(now.Unix(), 10)},
		{"oauth_nonce", rand.Text()},
		{"oauth_version", "1.0"},
	}
	var b strings.Builder
	b.WriteString(`OAuth realm="https://api.launchpad.net/"`)
	for _, p := range pairs {
		fmt.Fprintf(&b, `, %s="%s"`, p[0], percent(p[1]))
	}
	return b.String()
}

// percent encodes as OAuth wants it: a space is %20, never +.
func percent(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// scrub removes the secrets from a text that came from outside.
func (c *Credentials) scrub(text string) string {
	s := c.secrets()
	for _, v := range [...]string{s.secret, s.token, s.consumer} {
		if v != "" {
			text = strings.ReplaceAll(text, v, "…")
		}
	}
	return text
}

// Format prints the consumer's name whatever the verb.
func (c Credentials) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.masked()) }

// LogValue shows the consumer's name.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.masked()) }

// MarshalJSON writes the name as well: the secrets belong in their own file and
// nowhere else.
func (c Credentials) MarshalJSON() ([]byte, error) {
	return json.Marshal(c.masked())
}

func (c Credentials) masked() string { return "credentials of " + strconv.Quote(c.ConsumerKey) }
