package plugin_test

import (
	"archive/tar"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

func TestArchivesThatReachOutOrAreNotPlainAreRefused(t *testing.T) {
	t.Parallel()
	manifest := archived{tar.Header{Name: plugin.Manifest}, `{"name":"bad","version":"1.0.0","handlers":["a.js"]}`}
	entry := func(name string, kind byte, target string) archived {
		return archived{tar.Header{Name: name, Typeflag: kind, Linkname: target}, ""}
	}
	for name, tt := range map[string]struct {
		entries []archived
		want    string
	}{
		"parent folder":              {[]archived{{tar.Header{Name: "../escape"}, "x"}}, "lies outside"},
		"parent in the middle":       {[]archived{{tar.Header{Name: "a/../../escape"}, "x"}}, "lies outside"},
		"absolute path":              {[]archived{{tar.Header{Name: "/escape"}, "x"}}, "lies outside"},
		"Windows path":               {[]archived{{tar.Header{Name: `a\..\escape`}, "x"}}, "not every system takes"},
		"control character":          {[]archived{{tar.Header{Name: "a\nb"}, "x"}}, "not every system takes"},
		"not UTF-8":                  {[]archived{{tar.Header{Name: "a\xff"}, "x"}}, "not every system takes"},
		"symbolic link":              {[]archived{entry("link", tar.TypeSymlink, "/etc")}, "links and devices"},
		"write through a link":       {[]archived{entry("link", tar.TypeSymlink, "/tmp"), {tar.Header{Name: "link/escape"}, "x"}}, "links and devices"},
		"hard link":                  {[]archived{entry("link", tar.TypeLink, "/etc/passwd")}, "links and devices"},
		"character device":           {[]archived{entry("null", tar.TypeChar, "")}, "links and devices"},
		"block device":               {[]archived{entry("disk", tar.TypeBlock, "")}, "links and devices"},
		"named pipe":                 {[]archived{entry("pipe", tar.TypeFifo, "")}, "links and devices"},
		"the same file twice":        {[]archived{{tar.Header{Name: "a"}, "1"}, {tar.Header{Name: "./a"}, "2"}}, "twice"},
		"a file as a folder":         {[]archived{{tar.Header{Name: "a"}, "1"}, {tar.Header{Name: "a/b"}, "2"}}, "as a file and as a folder"},
		"deep folders":               {[]archived{{tar.Header{Name: strings.Repeat("a/", 70) + "b"}, "1"}}, "folders deep"},
		"long path":                  {[]archived{{tar.Header{Name: strings.Repeat("a", 1100)}, "1"}}, "bytes in its path"},
		"a name that is a path":      {[]archived{{tar.Header{Name: plugin.Manifest}, `{"name":"../x","version":"1.0.0","handlers":["a.js"]}`}}, "plugin name"},
		"a name that is ours":        {[]archived{{tar.Header{Name: plugin.Manifest}, `{"name":".jobrunner","version":"1.0.0","handlers":["a.js"]}`}}, "plugin name"},
		"handlers outside":           {[]archived{{tar.Header{Name: plugin.Manifest}, `{"name":"x","version":"1.0.0","handlers":["../../a.js"]}`}}, "lies outside"},
		"no manifest":                {[]archived{{tar.Header{Name: "a.js"}, "x"}}, "folder is not a plugin"},
		"too large":                  {[]archived{{tar.Header{Name: "a"}, strings.Repeat("x", 70_000)}}, "larger than"},
		"too large in many":          {repeated(20, strings.Repeat("x", 5000)), "larger than"},
		"too many files":             {repeated(120, ""), "more than 100 files"},
		"too many folders in a few":  {[]archived{{tar.Header{Name: strings.Repeat("a/", 60) + "f"}, ""}, {tar.Header{Name: strings.Repeat("b/", 60) + "f"}, ""}}, "more than 100 files"},
		"an unknown kind of entry":   {[]archived{entry("odd", 'Z', "")}, "links and devices"},
		"a device below what is out": {[]archived{entry(".git/x", tar.TypeChar, ""), manifest, entry("x", tar.TypeChar, "")}, "links and devices"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			around := realDir(t)
			m, err := plugin.NewManager(plugin.Options{
				Dir: filepath.Join(around, "plugins"), Limits: plugin.Limits{TotalBytes: 65_000, Files: 100},
			})
			require.NoError(t, err)
			archive := pack(t, filepath.Join(t.TempDir(), "bad.tgz"), tt.entries...)
			_, err = m.Stage(t.Context(), plugin.Source{Type: plugin.Archive, Path: archive})
			require.ErrorContains(t, err, tt.want)
			requireTidy(t, m.Dir())
			require.NoFileExists(t, filepath.Join(around, "escape"))
			require.NoFileExists(t, filepath.Join(m.Dir(), "escape"))
		})
	}
}

func repeated(n int, text string) []archived {
	list := make([]archived, n)
	for i := range list {
		list[i] = archived{tar.Header{Name: fmt.Sprint("f", i)}, text}
	}
	return list
}

func TestFilesThatAreNoArchivesAreRefused(t *testing.T) {
	t.Parallel()
	m, err := plugin.NewManager(plugin.Options{Dir: realDir(t), Limits: plugin.Limits{ArchiveBytes: 1000}})
	require.NoError(t, err)
	sound := read(t, packFiles(t, filepath.Join(t.TempDir(), "a.tgz"), "", greeter("1.0.0", "")))
	for want, text := range map[string]string{
		"not a gzipped archive": "hello",
		"damaged":               sound[:len(sound)/2],
		"larger than 1000":      strings.Repeat("x", 1001),
	} {
		path := filepath.Join(t.TempDir(), "x.tgz")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := m.Stage(t.Context(), plugin.Source{Type: plugin.Archive, Path: path})
		require.ErrorContains(t, err, want)
	}
}

func TestFoldersWithLinksAreRefused(t *testing.T) {
	t.Parallel()
	for name, target := range map[string]string{"to a secret": "/etc/passwd", "within": "hello.js", "to a folder": "/etc", "dangling": "nowhere"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := write(t, realDir(t), greeter("1.0.0", ""))
			require.NoError(t, os.Symlink(target, filepath.Join(from, "link")))
			m := newManager(t, realDir(t))
			_, err := m.Stage(t.Context(), plugin.Source{Type: plugin.Folder, Path: from})
			var unsafe *plugin.UnsafeError
			require.ErrorAs(t, err, &unsafe)
			require.Equal(t, "link", unsafe.Path)
			requireTidy(t, m.Dir())
		})
	}
}

func TestAFolderThatHoldsThePluginDirectoryIsNotCopiedIntoIt(t *testing.T) {
	t.Parallel()
	from := write(t, realDir(t), greeter("1.0.0", ""))
	m := newManager(t, filepath.Join(from, "plugins"))
	_, err := m.Stage(t.Context(), plugin.Source{Type: plugin.Folder, Path: from})
	require.ErrorContains(t, err, "holds the plugin directory")
}
