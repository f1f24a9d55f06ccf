package access

import (
	"net/http"
	"testing"
)

// Who is not let in is counted by why, and so are the hooks' answers.
func TestCounts(t *testing.T) {
	b := newBackEnd(t, func(w http.ResponseWriter, n int) {
		w.WriteHeader([]int{http.StatusOK, http.StatusForbidden, http.StatusBadGateway, http.StatusOK, http.StatusForbidden}[n-1])
	})
	key, written := NewKey()
	r := b.rules()
	r.Keys = []Key{{"live/show", hash(t, written)}}
	g, value := counted(t, r)
	for _, key := range []string{key, "wrong", key, key} { // allowed, –, denied, failed and then allowed
		_, _, _ = g.Publish(t.Context(), Publisher{App: "live", Key: key, Address: home})
	}
	if _, err := g.Watch(t.Context(), Viewer{Stream: "live/show", Address: home}); reason(err) != ReasonHook {
		t.Errorf("a viewer whom on_play refuses: %v", err)
	}
	for _, c := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"sluice_access_denials_total", []string{"publish", "wrong_key"}, 1},
		{"sluice_access_denials_total", []string{"publish", "hook"}, 1},
		{"sluice_access_denials_total", []string{"play", "hook"}, 1},
		{"sluice_access_hook_calls_total", []string{"publish", "allowed"}, 2},
		{"sluice_access_hook_calls_total", []string{"publish", "denied"}, 1},
		{"sluice_access_hook_calls_total", []string{"publish", "failed"}, 1},
		{"sluice_access_hook_calls_total", []string{"play", "denied"}, 1},
	} {
		if got := value(c.name, c.labels...); got != c.want {
			t.Errorf("%s%v is %v, want %v", c.name, c.labels, got, c.want)
		}
	}
}
