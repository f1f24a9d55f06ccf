package admin

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/sluice-media/sluice/docs"
)

// schema is what docs/openapi.yaml uses of JSON Schema.
type schema struct {
	Ref        string `yaml:"$ref"`
	Type       string
	Format     string
	Items      *schema
	Properties map[string]schema
	Required   []string
}

type content map[string]struct{ Schema schema }

type operation struct {
	OperationID string                    `yaml:"operationId"`
	RequestBody struct{ Content content } `yaml:"requestBody"`
	Responses   map[string]struct{ Content content }
}

type document struct {
	Paths      map[string]map[string]yaml.Node
	Components struct{ Schemas map[string]schema }
}

func openAPI(t *testing.T) (document, map[string]operation) {
	t.Helper()
	var d document
	if err := yaml.Unmarshal(docs.OpenAPI, &d); err != nil {
		t.Fatal(err)
	}
	operations := map[string]operation{}
	for path, item := range d.Paths {
		for method, node := range item {
			if method == "parameters" {
				continue
			}
			var o operation
			if err := node.Decode(&o); err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			operations[strings.ToUpper(method)+" "+path] = o
		}
	}
	return d, operations
}

// TestOpenAPI: docs/openapi.yaml has the routes of the code and no others, and
// its schemas have the properties that the code's types have.
func TestOpenAPI(t *testing.T) {
	d, operations := openAPI(t)
	delete(operations, "GET /api/v1/openapi.yaml") // itself
	used := map[string]bool{}
	for _, r := range (Config{}).routes() {
		name := r.method + " " + r.path
		o, ok := operations[name]
		if !ok {
			t.Errorf("%s is not described", name)
			continue
		}
		delete(operations, name)
		response, ok := o.Responses[strconv.Itoa(r.status)]
		if !ok {
			t.Errorf("%s: %d is not described", name, r.status)
		}
		compare(t, d, used, name+" answers", reflect.TypeOf(r.answer), response.Content["application/json"].Schema)
		compare(t, d, used, name+" takes", reflect.TypeOf(r.request), o.RequestBody.Content["application/json"].Schema)
	}
	for name := range operations {
		t.Errorf("%s is described, but not in the code", name)
	}
	compare(t, d, used, "problem", reflect.TypeFor[Problem](), schema{Ref: "#/components/schemas/Problem"})
	for name := range d.Components.Schemas {
		if !used[name] {
			t.Errorf("nothing uses the schema %s", name)
		}
	}
}

// compare holds a type and its schema together; a nil type has none.
func compare(t *testing.T, d document, used map[string]bool, what string, typ reflect.Type, s schema) {
	t.Helper()
	if typ == nil {
		if s.Ref+s.Type != "" {
			t.Errorf("%s: a schema for no body", what)
		}
		return
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch kind := typ.Kind(); {
	case typ == reflect.TypeFor[time.Time]():
		if s.Type != "string" || s.Format != "date-time" {
			t.Errorf("%s: %+v for a time", what, s)
		}
	case kind == reflect.Struct:
		name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/")
		if !ok || name != typ.Name() {
			t.Errorf("%s: schema %q for type %s", what, s.Ref, typ.Name())
			return
		}
		used[name] = true
		compareFields(t, d, used, name, typ, d.Components.Schemas[name])
	case kind == reflect.Slice:
		if s.Type != "array" || s.Items == nil {
			t.Errorf("%s: %+v for a list", what, s)
			return
		}
		compare(t, d, used, what+" item", typ.Elem(), *s.Items)
	default:
		want := map[reflect.Kind]string{
			reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Uint64: "integer", reflect.Float64: "number",
			reflect.Map: "object",
		}[kind]
		if s.Type != want {
			t.Errorf("%s: type %q for %s", what, s.Type, typ)
		}
	}
}

func compareFields(t *testing.T, d document, used map[string]bool, name string, typ reflect.Type, s schema) {
	t.Helper()
	properties := maps.Clone(s.Properties)
	var required []string
	for _, f := range reflect.VisibleFields(typ) {
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || tag == "" {
			continue
		}
		property, ok := properties[tag]
		if !ok {
			t.Errorf("%s: %s is not described", name, tag)
			continue
		}
		delete(properties, tag)
		if !strings.Contains(options, "omitempty") {
			required = append(required, tag)
		}
		compare(t, d, used, name+"."+tag, f.Type, property)
	}
	for tag := range properties {
		t.Errorf("%s: %s is described, but not in the code", name, tag)
	}
	if !slices.Equal(slices.Sorted(slices.Values(required)), slices.Sorted(slices.Values(s.Required))) {
		t.Errorf("%s: required are %v, described %v", name, required, s.Required)
	}
}
