package systemimage

import (
	"encoding/json"
	"fmt"
	"testing"
)

// bigIndex is an index.json in the server's form: n versions, each with a full
// and, from the second on, a delta from the version before.
func bigIndex(n int) []byte {
	x := Index{GeneratedAt: "Sun Nov 22 09:51:13 UTC 2026"}
	for v := 1; v <= n; v++ {
		detail := fmt.Sprintf("ubuntu=201506%02d,device=201506%02d-4c0ffee,custom=20150602-42-12-8-vivid,keyring=archive-master,version=%d", v%30, v%30, v)
		m := Image{Type: Full, Version: v, Description: detail, VersionDetail: detail, Percentage: 100}
		for i, name := range []string{"ubuntu", "device", "custom", "keyring", "version"} {
			path := fmt.Sprintf("/pool/%s-28569bbec342bae4dee4088ba9057a658c7e0c11c353986dec920e552f1f%04x.tar.xz", name, v)
			m.Files = append(m.Files, File{Order: i, Path: path, Signature: path + ".asc", Size: int64(1000*v + i),
				Checksum: fmt.Sprintf("e4d5bb446061e87b50f31fcdb28170e385bec85ff17f0ab3c7aaaaa319e4%04x", v)})
		}
		x.Images = append(x.Images, m)
		if v++; v <= n {
			m.Type, m.Base, m.Version = Delta, v-1, v
			x.Images = append(x.Images, m)
		}
	}
	text, err := json.MarshalIndent(x, "", "    ")
	if err != nil {
		panic(err)
	}
	return append(text, '\n')
}

// The same structs for encoding/json, without the unknown fields.
type (
	plainIndex struct {
		Global struct {
			GeneratedAt string `json:"generated_at"`
		} `json:"global"`
		Images []plainImage `json:"images"`
	}
	plainImage struct {
		Type          string      `json:"type"`
		Version       int         `json:"version"`
		Base          int         `json:"base"`
		Description   string      `json:"description"`
		VersionDetail string      `json:"version_detail"`
		Percentage    int         `json:"phased-percentage"`
		Bootme        bool        `json:"bootme"`
		MinVersion    int         `json:"minversion"`
		MaxVersion    int         `json:"maxversion"`
		Files         []plainFile `json:"files"`
	}
	plainFile struct {
		Order     int    `json:"order"`
		Path      string `json:"path"`
		Signature string `json:"signature"`
		Checksum  string `json:"checksum"`
		Size      int64  `json:"size"`
	}
)

// BenchmarkParseIndex reads an index of 2,000 images; encoding/json is the
// baseline: ParseIndex is to be no slower and to allocate no more often.
func BenchmarkParseIndex(b *testing.B) {
	data := bigIndex(2000)
	b.Run("ParseIndex", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			if x, err := ParseIndex(data); err != nil || len(x.Images) != 2000 {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding_json", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			var x plainIndex
			if err := json.Unmarshal(data, &x); err != nil || len(x.Images) != 2000 {
				b.Fatal(err)
			}
		}
	})
}
