package operate

import "testing"

func TestCrontabTellsWhatALineRuns(t *testing.T) {
	tests := []struct {
		line string
		want bool
	}{
		{"* * * * * import-images", true},
		{"* * * * * cd /srv && bin/import-images", true},
		{"@hourly SYSTEM_IMAGE_ROOT=/srv /srv/bin/import-images -v", true},
		{"0\t*/2 1,15 jan-mar mon  /srv/bin/import-images", true},
		{"*/5 * * * * flock -n /run/x env A=b /srv/bin/import-images", true},
		{`*/5 * * * * sh -c "cd /srv; bin/import-images >/dev/null"`, true},
		{"*/5 * * * * [ -e /srv/off ] || /srv/bin/import-images", true},
		{"*/5 * * * * test -x /srv/bin/import-images && /srv/bin/import-images", true},
		{"*/5 * * * * (/srv/bin/import-images)", true},
		{"*/5 * * * * { /srv/bin/import-images; }", true},
		{"*/5 * * * * '/srv/bin/import-images' 2>&1 | logger -t import", true},
		{`*/5 * * * * /srv/bin/import-images >/log/$(date +\%F)`, true},

		{"# * * * * * import-images", false},
		{"COMMAND=/srv/bin/import-images", false},
		{"* * * * import-images", false}, // the fifth field is missing
		{"* * * * * echo import-images", false},
		{"* * * * * pgrep -f /srv/bin/import-images", false},
		{"0 4 * * * logrotate /etc/logrotate.d/import-images", false},
		{"0 4 * * * /srv/bin/cleanup >> /var/log/import-images 2>&1", false},
		{"0 4 * * * /srv/bin/cleanup # then import-images", false},
		{"0 4 * * * mail -s done ops%bin/import-images is done", false},
		{"0 4 * * * /srv/bin/import-images-report", false},
		{"0 4 * * * test -x /srv/bin/import-images", false},
		{"run import-images once an hour, says the manual of bin/import-images", false},
		{"", false},
	}
	for _, tt := range tests {
		if got := runs(tt.line, "import-images"); got != tt.want {
			t.Errorf("runs(%q) = %v, want %v", tt.line, got, tt.want)
		}
	}
	if !runs("* * * * * /srv/a/bin/import-images", "/srv/a/bin/import-images") || runs("* * * * * /srv/b/bin/import-images", "/srv/a/bin/import-images") {
		t.Error("a whole path does not tell two trees apart")
	}
}
