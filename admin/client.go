package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sluice-media/sluice/egress"
)

// Client asks the API of a Sluice that runs.
type Client struct {
	Address string // host:port of the admin port
}

// Streams returns all streams.
func (c Client) Streams(ctx context.Context) ([]Stream, error) {
	var answer Streams
	err := c.call(ctx, http.MethodGet, "streams", nil, &answer)
	return answer.Streams, err
}

// Viewers returns the viewers of a stream; of all for "".
func (c Client) Viewers(ctx context.Context, stream string) ([]egress.ViewerInfo, error) {
	var answer Viewers
	err := c.call(ctx, http.MethodGet, "viewers?stream="+url.QueryEscape(stream), nil, &answer)
	return answer.Viewers, err
}

// EndPublisher ends the publication of a stream, app/key.
func (c Client) EndPublisher(ctx context.Context, stream string) error {
	app, key, _ := strings.Cut(stream, "/")
	return c.call(ctx, http.MethodDelete, "streams/"+url.PathEscape(app)+"/"+url.PathEscape(key)+"/publisher", nil, nil)
}

// EndViewer ends a viewer's session.
func (c Client) EndViewer(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "viewers/"+url.PathEscape(id), nil, nil)
}

// Drain begins a drain.
func (c Client) Drain(ctx context.Context, d Drain) (Draining, error) {
	var answer Draining
	err := c.call(ctx, http.MethodPost, "drain", d, &answer)
	return answer, err
}

// call sends a request and decodes the answer, unless it is nil. A refusal is a
// *Problem.
func (c Client) call(ctx context.Context, method, path string, body, answer any) error {
	var text bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&text).Encode(body); err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.Address+"/api/v1/"+path, &text)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("no Sluice answers at --admin-addr %s: %w", c.Address, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		p := Problem{Detail: "the answer is " + resp.Status}
		_ = json.NewDecoder(resp.Body).Decode(&p) // else the status has to do
		return &p
	}
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.Address, err)
	}
	return nil
}
