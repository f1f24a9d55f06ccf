package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sluice-media/sluice"

// room is a package, with all folders below it that are not rooms themselves.
type room struct {
	imports []string // the rooms it may import
	never   []string // what it must not import, nor anything below it
}

// rooms reads the table in ARCHITECTURE.md: package, what it is for, the rooms
// it imports, what it never imports.
func rooms(t *testing.T) map[string]room {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	nickname := map[string]string{
		"pion": "github.com/pion", "pion/webrtc": "github.com/pion/webrtc", "go-rtmp": "github.com/yutopp",
		"anything but the standard library": "*",
	}
	table := map[string]room{}
	var all []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9/]+)` \\| [^|]+ \\| ([^|]*) \\| ([^|]*)\\|$").FindAllStringSubmatch(string(text), -1) {
		r := room{imports: words(row[2]), never: words(row[3])}
		if row[2] == "all of these" {
			r.imports = all
		}
		for i, word := range r.never {
			r.never[i] = cmp.Or(nickname[word], word)
		}
		table[row[1]] = r
		all = append(all, row[1])
	}
	if len(table) < 2 {
		t.Fatal("ARCHITECTURE.md has no table of rooms")
	}
	return table
}

func words(cell string) []string {
	cell = strings.TrimSpace(cell)
	if cell == "" || cell == "none" {
		return nil
	}
	return strings.Split(cell, ", ")
}

type goPackage struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func TestImportsPointDown(t *testing.T) {
	table := rooms(t)
	for _, p := range goList(t) {
		path := strings.TrimPrefix(p.ImportPath, module+"/")
		name := roomOf(table, path)
		if name == "" {
			t.Errorf("%s belongs to no room: give it a row in ARCHITECTURE.md", path)
			continue
		}
		for _, imported := range p.Imports {
			if strings.HasSuffix(path, "test") && strings.HasSuffix(imported, "test") {
				continue // tools of tests may stand on each other
			}
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
		case slices.Contains(r.imports, below):
			return ""
		default:
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
