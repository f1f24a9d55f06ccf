package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	kongyaml "github.com/alecthomas/kong-yaml"
)

// configFile is the value of --config: the settings in a YAML file. They stand
// below flags and environment, above the defaults.
type configFile struct {
	path string
	keys map[string]any
}

// Decode reads the file; it is kong.MapperValue. An empty file is a file
// without settings.
func (f *configFile) Decode(ctx *kong.DecodeContext) error {
	f.path = ctx.Scan.Peek().String()
	err := kongyaml.YAMLFileMapper(ctx, reflect.ValueOf(&f.keys).Elem())
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// BeforeResolve puts the file's settings in their place; kong calls it when
// --config or its environment variable was given.
func (f *configFile) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	file, ok := ctx.FlagValue(trace.Flag).(configFile)
	if !ok {
		return errors.New("--config has no value")
	}
	if err := file.check(ctx.Model.Flags); err != nil {
		return fmt.Errorf("%s: %w", file.path, err)
	}
	ctx.AddResolver(kong.ResolverFunc(file.resolve))
	return nil
}

// check finds keys that name no setting.
func (f configFile) check(flags []*kong.Flag) error {
	known := make(map[string]bool, len(flags))
	for _, flag := range flags {
		known[flag.Name] = len(flag.Envs) > 0 && flag.Name != "config" // neither --help nor --version
	}
	for _, key := range slices.Sorted(maps.Keys(f.keys)) {
		if !known[key] {
			return fmt.Errorf("unknown setting %q (settings are named as in sluice --help, without the dashes)", key)
		}
	}
	return nil
}

// resolve is kong.ResolverFunc. Kong lets a resolver override the environment,
// so it keeps still where a variable is set. Values become text first and are
// parsed as a flag's: a bare 60 for a duration is an error, not 60 ns.
func (f configFile) resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil
		}
	}
	switch value := f.keys[flag.Name].(type) {
	case nil:
		return nil, nil
	case []any:
		words := make([]string, len(value))
		for i, v := range value {
			words[i] = fmt.Sprint(v)
		}
		return strings.Join(words, ","), nil
	case map[string]any:
		return nil, fmt.Errorf("%s: the setting takes a value, not a block of settings", f.path)
	default:
		return fmt.Sprint(value), nil
	}
}
