package server

import (
	"bufio"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Metrics is one scrape: values by series, in the text form
// name{label="value",…}.
type Metrics map[string]float64

// Scrape reads /metrics.
func (s *Server) Scrape() Metrics {
	s.tb.Helper()
	resp, err := http.Get("http://" + s.Admin + "/metrics")
	if err != nil {
		s.tb.Fatalf("scrape: %v", err)
	}
	defer resp.Body.Close()
	m := Metrics{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		series, text, ok := cutLast(lines.Text(), " ")
		if !ok || strings.HasPrefix(series, "#") {
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			s.tb.Fatalf("scrape: %q: %v", lines.Text(), err)
		}
		m[series] = value
	}
	return m
}

// Sum adds up all series of a name whose labels hold every one of pairs,
// each written label="value".
func (m Metrics) Sum(name string, pairs ...string) float64 {
	sum := 0.0
	for series, value := range m {
		if matches(series, name, pairs) {
			sum += value
		}
	}
	return sum
}

// List writes out the series of a name that are not 0.
func (m Metrics) List(name string) string {
	var lines []string
	for series, value := range m {
		if matches(series, name, nil) && value != 0 {
			lines = append(lines, fmt.Sprintf("%s %v", series, value))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Since returns what has been added to every series after an earlier scrape.
func (m Metrics) Since(earlier Metrics) Metrics {
	d := make(Metrics, len(m))
	for series, value := range m {
		d[series] = value - earlier[series]
	}
	return d
}

// Quantile returns the upper bound of the histogram bucket that holds the q-th
// quantile, so never less than the true value, and the number of observations.
func (m Metrics) Quantile(q float64, name string, pairs ...string) (bound, count float64) {
	buckets := map[float64]float64{}
	for series, value := range m {
		if matches(series, name+"_bucket", pairs) {
			buckets[bucketBound(series)] += value
		}
	}
	bounds := make([]float64, 0, len(buckets))
	for b := range buckets {
		bounds = append(bounds, b)
	}
	slices.Sort(bounds)
	count = buckets[math.Inf(1)]
	for _, b := range bounds {
		if buckets[b] >= q*count {
			return b, count
		}
	}
	return math.NaN(), count
}

func bucketBound(series string) float64 {
	_, rest, _ := strings.Cut(series, `le="`)
	text, _, _ := strings.Cut(rest, `"`)
	b, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return b
}

func matches(series, name string, pairs []string) bool {
	rest, ok := strings.CutPrefix(series, name)
	if !ok || rest != "" && rest[0] != '{' {
		return false
	}
	for _, pair := range pairs {
		if !strings.Contains(rest, "{"+pair) && !strings.Contains(rest, ","+pair) {
			return false
		}
	}
	return true
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// Label writes a pair for Sum and Quantile.
func Label(name, value string) string { return fmt.Sprintf("%s=%q", name, value) }
