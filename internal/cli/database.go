package cli

import (
	"net/url"

	"github.com/jobrunner-dev/jobrunner/internal/datadir"
)

const databaseName = "jobrunner.db"

// databaseURL is the configured database, or a SQLite file in the data directory.
func databaseURL(configured string, dir *datadir.Dir) string {
	if configured != "" {
		return configured
	}
	u := url.URL{Scheme: "sqlite", Path: dir.Path(databaseName)}
	return u.String()
}
