package operate

import "testing"

func TestCrontabTempDir(t *testing.T) {
	const line = "*/5 * * * * /srv/s/bin/import-images -vv\n"
	for _, tt := range []struct{ name, text, want string }{
		{"none", line, ""},
		{"no importer", "TMPDIR=/big\n0 0 * * * true\n", ""},
		{"above", "TMPDIR=/big\n" + line, "/big"},
		{"blanks and quotes", "  \"TMPDIR\" = '/big disk/tmp/'  \n" + line, "/big disk/tmp"},
		{"the last above", "TMPDIR=/a\nTMPDIR=/b\n" + line + "TMPDIR=/c\n", "/b"},
		{"comment", "#TMPDIR=/a\n" + line, ""},
		{"another name", "MYTMPDIR=/a\nTMPDIRS=/a\n" + line, ""},
		{"in the line", "TMPDIR=/a\n*/5 * * * * TMPDIR=/b /srv/s/bin/import-images\n", "/b"},
		{"behind env", "*/5 * * * * env A=1 TMPDIR=/b nice /srv/s/bin/import-images\n", "/b"},
		{"exported", "*/5 * * * * cd /srv/s && export TMPDIR=/b; bin/import-images >>log 2>&1\n", "/b"},
		{"quoted", "*/5 * * * * TMPDIR=\"/big disk\" /srv/s/bin/import-images\n", "/big disk"},
		{"in a shell", "*/5 * * * * sh -c 'TMPDIR=/b exec /srv/s/bin/import-images'\n", "/b"},
		{"behind the program", "*/5 * * * * /srv/s/bin/import-images; TMPDIR=/b other\n", ""},
		{"of another line", "*/5 * * * * TMPDIR=/a /srv/s/bin/cleanup-tree\n" + line, ""},
		{"paused", "TMPDIR=/a\n# paused by landing: run=r operator=o since=2026-11-28T10:00:00Z :: */5 * * * * TMPDIR=/b /srv/s/bin/import-images\n", "/b"},
		{"by hand", "TMPDIR=/a\n# " + line, "/a"},
		{"of two trees", "*/5 * * * * TMPDIR=/a /srv/s/bin/import-images\n*/5 * * * * TMPDIR=/b /srv/other/bin/import-images\n", "/a"},
		{"unknown here", "*/5 * * * * TMPDIR=$HOME/tmp /srv/s/bin/import-images\n", ""},
		{"relative", "TMPDIR=tmp\n" + line, ""},
		{"emptied", "TMPDIR=/a\nTMPDIR=\n" + line, ""},
	} {
		if got := parseCrontab([]byte(tt.text), "import-images").tempDir("/srv/s"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
