package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/sluice-media/sluice"

// room is a package, with all folders below it that are not rooms themselves.
type room struct {
	imports []string // the rooms it may import
	never   []string // what it must not import, nor anything below it
}

// rooms is the table of ARCHITECTURE.md. Imports point down only.
func rooms() map[string]room {
	const (
		pion    = "github.com/pion"
		goRTMP  = "github.com/yutopp"
		metrics = "metrics"
	)
	return map[string]room{
		"media":       {never: []string{"*"}},
		metrics:       {never: []string{pion, goRTMP}},
		"depacketize": {imports: []string{"media"}, never: []string{"net", "log", "os", "sync", "context", pion, goRTMP}},
		"transcode":   {imports: []string{"media", metrics}, never: []string{"net/http", pion, goRTMP}},
		"egress":      {imports: []string{"media", metrics}, never: []string{"net/http", "os/exec", goRTMP}},
		"ingest":      {imports: []string{"depacketize", "media", metrics}, never: []string{pion}},
		"whip":        {imports: []string{"egress", metrics}, never: []string{pion + "/webrtc", goRTMP}},
		"whip/player": {never: []string{pion, goRTMP}},
		"cmd/sluice": {imports: []string{
			"media", metrics, "depacketize", "transcode", "egress", "ingest", "whip", "whip/player",
		}},
		"e2e": {},
	}
}

type goPackage struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	DepOnly      bool
	Standard     bool
}

func TestImportsPointDown(t *testing.T) {
	table := rooms()
	for _, p := range goList(t) {
		path := strings.TrimPrefix(p.ImportPath, module+"/")
		name := roomOf(table, path)
		if name == "" {
			t.Errorf("%s belongs to no room: give it a row in ARCHITECTURE.md and here", path)
			continue
		}
		for _, imported := range p.Imports {
			if why := table[name].forbids(table, name, imported); why != "" {
				t.Errorf("%s -> %s: %s", path, imported, why)
			}
		}
		if name != "e2e" {
			continue // a room's tests may stand on any other
		}
		for _, imported := range append(p.TestImports, p.XTestImports...) {
			if why := table[name].forbids(table, name, imported); why != "" {
				t.Errorf("%s (test) -> %s: %s", path, imported, why)
			}
		}
	}
}

// forbids says why the room called name must not import a package, or "".
func (r room) forbids(table map[string]room, name, imported string) string {
	if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
		switch below := roomOf(table, ours); {
		case strings.HasSuffix(ours, "test"):
			return "only tests import it"
		case below == name:
			return ""
		default:
			for _, allowed := range r.imports {
				if below == allowed {
					return ""
				}
			}
			return name + " must not import " + below
		}
	}
	for _, never := range r.never {
		switch {
		case never == "*" && strings.Contains(imported, "."):
			return name + " imports only the standard library"
		case imported == never, strings.HasPrefix(imported, never+"/"):
			return name + " never imports " + never
		}
	}
	return ""
}

// roomOf is the room that a folder of the module belongs to.
func roomOf(table map[string]room, path string) string {
	for path != "" {
		if _, ok := table[path]; ok {
			return path
		}
		i := strings.LastIndexByte(path, '/')
		path = path[:max(i, 0)]
	}
	return ""
}

// goList describes every package of the module.
func goList(t *testing.T) []goPackage {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-e", "-tags", "e2e,obs", "-json=ImportPath,Imports,TestImports,XTestImports", module+"/...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var packages []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
