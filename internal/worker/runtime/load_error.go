package runtime

import (
	"cmp"
	"encoding/json"
	"errors"
	"time"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/linerpc"
	"github.com/jobrunner-dev/jobrunner/internal/worker/codeframe"
)

// loadError says why, and where, a module did not load, and which files it is
// made of as far as the error tells.
func loadError(err error, path string) (failed *catalogue.LoadError, files []string) {
	failed, ok := errors.AsType[*catalogue.LoadError](err)
	if !ok {
		failed = &catalogue.LoadError{Message: err.Error(), File: path}
	}
	if rpc, ok := errors.AsType[*linerpc.Error](err); ok {
		var f loadFailure
		if json.Unmarshal(rpc.Data, &f) == nil {
			failed.File = cmp.Or(f.File, path)
			failed.Line, failed.Column, failed.Frame = f.Line, f.Column, f.Frame
			files = f.Dependencies
			if f.Name != "" && f.Name != "Error" {
				failed.Message = f.Name + ": " + failed.Message
			}
		}
	}
	failed.At = time.Now()
	at := codeframe.Place{File: failed.File, Line: failed.Line, Column: failed.Column}
	failed.Frame = cmp.Or(codeframe.Show(at), failed.Frame)
	if isFile(failed.File) {
		files = append(files, failed.File)
	}
	return failed, files
}
