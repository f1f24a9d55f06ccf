package ingest

import (
	"io"
	"log/slog"

	"github.com/sirupsen/logrus"
)

// newLibraryLog returns a logger for go-rtmp that writes to log at level Debug:
// any client can cause its warnings and errors, and sessions report what ended
// them. Its Info level is never on, as it prints commands with stream keys.
func newLibraryLog(log *slog.Logger) *logrus.Logger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	l.SetLevel(logrus.WarnLevel)
	l.SetFormatter(noFormat{})
	l.AddHook(toSlog{log})
	return l
}

type noFormat struct{}

// Format implements logrus.Formatter.
func (noFormat) Format(*logrus.Entry) ([]byte, error) { return nil, nil }

type toSlog struct{ log *slog.Logger }

// Levels implements logrus.Hook.
func (toSlog) Levels() []logrus.Level { return logrus.AllLevels }

// Fire implements logrus.Hook.
func (h toSlog) Fire(e *logrus.Entry) error {
	h.log.Debug("go-rtmp", "level", e.Level.String(), "message", e.Message)
	return nil
}
