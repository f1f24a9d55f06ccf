package rtmp

// Repeat returns the tags of a clip of period milliseconds n times over, on one
// timeline. Only its frames are repeated, and what sticks out of the period is
// left away.
func Repeat(clip []Tag, period uint32, n int) []Tag {
	tags := make([]Tag, 0, n*len(clip))
	for i := range n {
		start := uint32(i) * period
		for _, t := range clip {
			if (i > 0 && !t.Frame()) || (t.Type == Audio && t.Timestamp >= period) {
				continue
			}
			t.Timestamp += start
			tags = append(tags, t)
		}
	}
	return tags
}
