package rtmp

import (
	"context"
	"time"
)

// jump is a difference of timestamps in milliseconds that is no pace.
const jump = 1000

// Play sends tags at the pace of their timestamps, see Play.
func (p *Publisher) Play(ctx context.Context, tags []Tag, sent func(Tag, time.Time)) error {
	return Play(ctx, tags, p.WriteTag, sent)
}

// Play calls write with tags at the pace of their timestamps, with no wait where
// they jump, and reports when each had been written. It returns at the end of
// the tags or of the context.
func Play(ctx context.Context, tags []Tag, write func(Tag) error, sent func(Tag, time.Time)) error {
	due, last := time.Now(), uint32(0)
	for _, tag := range tags {
		if step := int32(tag.Timestamp - last); step > -jump && step < jump {
			due = due.Add(time.Duration(step) * time.Millisecond)
		}
		last = tag.Timestamp
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(due)):
		}
		if err := write(tag); err != nil {
			return err
		}
		if sent != nil {
			sent(tag, time.Now())
		}
	}
	return nil
}
