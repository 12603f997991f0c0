package cli

import (
	"net/url"

	"github.com/jobrunner-dev/jobrunner/internal/datadir"
)

const databaseName = "jobrunner.db"

// databaseURL is the SQLite file in the data directory.
func databaseURL(dir *datadir.Dir) string {
	u := url.URL{Scheme: "sqlite", Path: dir.Path(databaseName)}
	return u.String()
}
