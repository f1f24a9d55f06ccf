package transcode

import "context"

// Inspect finds an ffmpeg, and says in one sentence what is wrong with it. The
// encoders are those of ours that it has.
func Inspect(ctx context.Context, name string) (version string, encoders []string, err error) {
	path, version, err := check(ctx, name)
	if err != nil {
		return "", nil, err
	}
	for _, e := range []string{"libopus", "libx264"} {
		if checkEncoder(ctx, path, e) == nil {
			encoders = append(encoders, e)
		}
	}
	return version, encoders, nil
}
