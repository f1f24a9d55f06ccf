package rtmp

import (
	"context"
	"time"
)

// Play sends tags at the pace of their timestamps and reports when each had
// been written. It returns at the end of the tags or of the context.
func (p *Publisher) Play(ctx context.Context, tags []Tag, sent func(Tag, time.Time)) error {
	start := time.Now()
	for _, tag := range tags {
		due := start.Add(time.Duration(tag.Timestamp) * time.Millisecond)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(due)):
		}
		if err := p.WriteTag(tag); err != nil {
			return err
		}
		if sent != nil {
			sent(tag, time.Now())
		}
	}
	return nil
}
