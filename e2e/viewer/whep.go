package viewer

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Post sends an offer and returns the answer and the session's URL
// (draft-ietf-wish-whep-04 §4.3).
func Post(endpoint, offer string) (answer, session string, err error) {
	resp, err := http.Post(endpoint, "application/sdp", strings.NewReader(offer))
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", "", err
	}
	if resp.StatusCode != http.StatusCreated {
		return "", "", fmt.Errorf("offer answered %s, Retry-After %q: %s", resp.Status, resp.Header.Get("Retry-After"), body)
	}
	base, err := url.Parse(endpoint)
	if err != nil {
		return "", "", err
	}
	location, err := base.Parse(resp.Header.Get("Location"))
	if err != nil {
		return "", "", fmt.Errorf("location: %w", err)
	}
	return string(body), location.String(), nil
}

// Delete ends a session (draft-ietf-wish-whep-04 §4.4).
func Delete(session string) error {
	req, err := http.NewRequest(http.MethodDelete, session, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("delete answered %s", resp.Status)
	}
	return nil
}
