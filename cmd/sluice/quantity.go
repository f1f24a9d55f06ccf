package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// size is a setting such as 8MiB, 512KiB, 1GiB or a number of bytes.
type size int

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *size) UnmarshalText(text []byte) error {
	n, err := quantity(string(text), map[string]int{"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30})
	if err != nil {
		return fmt.Errorf("must be a size such as 512KiB, 8MiB or 1GiB, not %q", text)
	}
	*s = size(n)
	return nil
}

// bitrate is a setting in bit/s, such as 800k or 20M.
type bitrate int

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *bitrate) UnmarshalText(text []byte) error {
	n, err := quantity(string(text), map[string]int{"": 1, "k": 1e3, "M": 1e6})
	if err != nil {
		return fmt.Errorf("must be a rate in bit/s such as 800k or 20M, not %q", text)
	}
	*b = bitrate(n)
	return nil
}

// quantity reads a whole number above 0 with a unit.
func quantity(text string, units map[string]int) (int, error) {
	number := strings.TrimRight(text, "kKMGiB")
	unit, ok := units[text[len(number):]]
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil || !ok || n == 0 {
		return 0, fmt.Errorf("%q is no quantity", text)
	}
	return int(n) * unit, nil
}

// resolution is a setting such as 1920x1080.
type resolution struct{ Width, Height int }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *resolution) UnmarshalText(text []byte) error {
	m := regexp.MustCompile(`^([1-9]\d{0,4})x([1-9]\d{0,4})$`).FindSubmatch(text)
	if m == nil {
		return fmt.Errorf("must be WIDTHxHEIGHT such as 1920x1080, not %q", text)
	}
	r.Width, _ = strconv.Atoi(string(m[1])) // five digits
	r.Height, _ = strconv.Atoi(string(m[2]))
	return nil
}
