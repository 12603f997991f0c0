package plugin

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzUnpack unpacks tar files of any content: whatever comes out lies in the
// folder, and is a plain file with a proper name.
func FuzzUnpack(f *testing.F) {
	for _, header := range []tar.Header{
		{Name: "a/b", Typeflag: tar.TypeReg, Mode: 0o6755, Size: 1},
		{Name: "../a", Typeflag: tar.TypeReg, Size: 1},
		{Name: "a", Typeflag: tar.TypeSymlink, Linkname: "/etc"},
		{Name: "a/", Typeflag: tar.TypeDir, Mode: 0o1777},
		{Name: "\xff/..//a", Typeflag: tar.TypeLink, Linkname: "b"},
	} {
		var text bytes.Buffer
		w := tar.NewWriter(&text)
		require.NoError(f, w.WriteHeader(&header))
		if header.Size > 0 {
			_, err := w.Write([]byte("x"))
			require.NoError(f, err)
		}
		require.NoError(f, w.Close())
		f.Add(text.Bytes())
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		around := t.TempDir()
		archive := filepath.Join(around, "a.tgz")
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		_, err := w.Write(text)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		require.NoError(t, os.WriteFile(archive, zipped.Bytes(), 0o600))

		limits := Limits{TotalBytes: 1 << 16, Files: 50}.withDefaults()
		_, unpackErr := unpack(archive, filepath.Join(around, "to"), limits)
		entries, err := os.ReadDir(around)
		require.NoError(t, err)
		require.LessOrEqual(t, len(entries), 2, "something was written beside the folder")
		files, err := scan(filepath.Join(around, "to"), limits)
		require.NoError(t, err)
		require.NoError(t, files.checkSafe())
		require.NoError(t, filepath.WalkDir(filepath.Join(around, "to"), func(_ string, e fs.DirEntry, err error) error {
			require.NoError(t, err)
			info, err := e.Info()
			require.NoError(t, err)
			require.Zero(t, info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky))
			return nil
		}))
		if unpackErr == nil {
			again, err := parseListing(files.text())
			require.NoError(t, err)
			require.Equal(t, files, again)
		}
	})
}
