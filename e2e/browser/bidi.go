package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// bidi is a WebDriver BiDi connection (https://www.w3.org/TR/webdriver-bidi/)
// that sends one command at a time and ignores events.
type bidi struct {
	conn *websocket.Conn
	id   atomic.Int64
}

// dialBiDi opens a session with the browser that listens at ws://host:port.
func dialBiDi(ctx context.Context, url string) (*bidi, error) {
	conn, _, err := websocket.Dial(ctx, url+"/session", nil)
	if err != nil {
		return nil, err
	}
	const most = 16 << 20 // bytes a message; a screenshot is one
	conn.SetReadLimit(most)
	b := &bidi{conn: conn}
	if err := b.call(ctx, "session.new", map[string]any{"capabilities": map[string]any{}}, nil); err != nil {
		conn.CloseNow()
		return nil, err
	}
	return b, nil
}

// call sends a command and decodes its result.
func (b *bidi) call(ctx context.Context, method string, params, result any) error {
	id := b.id.Add(1)
	command := map[string]any{"id": id, "method": method, "params": params}
	if err := wsjson.Write(ctx, b.conn, command); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	for {
		var answer struct {
			Type, Error, Message string
			ID                   int64
			Result               json.RawMessage
		}
		if err := wsjson.Read(ctx, b.conn, &answer); err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		switch {
		case answer.Type == "event" || answer.ID != id:
			continue
		case answer.Type == "error":
			return fmt.Errorf("%s: %s: %s", method, answer.Error, answer.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(answer.Result, result)
	}
}
