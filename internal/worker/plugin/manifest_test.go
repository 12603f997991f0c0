package plugin_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
)

func TestAManifestIsReadStrictly(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"an unknown member":         {`{"name":"a","version":"1.0.0","handlers":["a.js"],"permission":{}}`, `unknown field "permission"`},
		"an unknown permission":     {`{"name":"a","version":"1.0.0","handlers":["a.js"],"permissions":{"net":["*"]}}`, `unknown field "net"`},
		"more after the end":        {`{"name":"a","version":"1.0.0","handlers":["a.js"]} {}`, "more after the end"},
		"no name":                   {`{"version":"1.0.0","handlers":["a.js"]}`, "a name is needed"},
		"no handlers":               {`{"name":"a","version":"1.0.0"}`, "handlers: a list of files"},
		"no version":                {`{"name":"a","handlers":["a.js"]}`, "a version is needed"},
		"a version of two parts":    {`{"name":"a","version":"1.0","handlers":["a.js"]}`, `version "1.0" is not a semantic version`},
		"a name in capitals":        {`{"name":"Greeter","version":"1.0.0","handlers":["a.js"]}`, `plugin name "Greeter"`},
		"a name with a path":        {`{"name":"a/b","version":"1.0.0","handlers":["a.js"]}`, `plugin name "a/b"`},
		"a name that is too long":   {`{"name":"` + strings.Repeat("a", 215) + `","version":"1.0.0","handlers":["a.js"]}`, "plugin name"},
		"node_modules":              {`{"name":"node_modules","version":"1.0.0","handlers":["a.js"]}`, "means something else"},
		"a handler file elsewhere":  {`{"name":"a","version":"1.0.0","handlers":["/etc/x.js"]}`, "outside of the plugin"},
		"too many handlers":         {`{"name":"a","version":"1.0.0","handlers":["a"` + strings.Repeat(`,"a"`, 256) + `]}`, "at most 256"},
		"no range of versions":      {`{"name":"a","version":"1.0.0","handlers":["a.js"],"engines":{"jobrunner":"new"}}`, "is not a range of versions"},
		"another engine":            {`{"name":"a","version":"1.0.0","handlers":["a.js"],"engines":{"node":">=20"}}`, `unknown field "node"`},
		"a URL as a host":           {`{"name":"a","version":"1.0.0","handlers":["a.js"],"permissions":{"network":["https://x.example"]}}`, "is not a host name"},
		"a port":                    {`{"name":"a","version":"1.0.0","handlers":["a.js"],"permissions":{"network":["x.example:80"]}}`, "ports and URLs are not named"},
		"a variable of ours":        {`{"name":"a","version":"1.0.0","handlers":["a.js"],"permissions":{"env":["JOBRUNNER_REDIS"]}}`, "a setting of JobRunner itself"},
		"no variable's name":        {`{"name":"a","version":"1.0.0","handlers":["a.js"],"permissions":{"env":["A=B"]}}`, "is not the name of a variable"},
		"a relative path":           {`{"name":"a","version":"1.0.0","handlers":["a.js"],"permissions":{"read":["data"]}}`, "is not an absolute path"},
		"a path with dots":          {`{"name":"a","version":"1.0.0","handlers":["a.js"],"permissions":{"write":["/data/../etc"]}}`, "in its plain form"},
		"too little memory":         {`{"name":"a","version":"1.0.0","handlers":["a.js"],"permissions":{"memoryMiB":1}}`, "from 16 to"},
		"a negative share of cores": {`{"name":"a","version":"1.0.0","handlers":["a.js"],"permissions":{"cpus":-1}}`, "from 0.01 to"},
		"too many hosts":            {`{"name":"a","version":"1.0.0","handlers":["a.js"],"permissions":{"network":["a"` + strings.Repeat(`,"a"`, 64) + `]}}`, "at most 64"},
		"a huge manifest":           {strings.Repeat(" ", 2<<20), "more than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := plugin.Read(write(t, realDir(t), map[string]string{plugin.Manifest: tt.text}))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestAManifestOfNPMIsReadAsItIs(t *testing.T) {
	t.Parallel()
	dir := write(t, realDir(t), map[string]string{
		"package.json": `{"name":"@team/x","version":"1.0.0","keywords":["bullmq-handler-plugin"],"author":{"name":"Ada"},"license":{"type":"MIT"},
			"engines":{"node":">=20","jobrunner":"^1"},"scripts":{"x":"y"},"bullmqHandlerPlugin":{"handlers":[],"more":1}}`,
		"index.js": "",
	})
	p, err := plugin.Read(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"@team/x", "1.0.0", "Ada", "MIT", "^1"}, []string{p.Name, p.Version, p.Author, p.License, p.Engine})
	require.True(t, p.Undeclared)

	write(t, dir, map[string]string{"package.json": `{"name":"x","version":"1.0.0","keywords":["bullmq-handler-plugin"],"engines":"node","bullmqHandlerPlugin":{"permissions":{}}}`})
	p, err = plugin.Read(dir)
	require.NoError(t, err)
	require.False(t, p.Undeclared)
	require.Empty(t, p.Permissions.List())
	require.Empty(t, p.Engine)

	write(t, dir, map[string]string{"package.json": `{"name":"x","version":"1.0.0","keywords":["bullmq-handler-plugin"],"bullmqHandlerPlugin":{"permissions":{"net":[]}}}`})
	_, err = plugin.Read(dir)
	require.ErrorContains(t, err, `bullmqHandlerPlugin.permissions: json: unknown field "net"`)
}

func TestWhatIsGrantedCoversWhatLiesWithin(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		asked, granted string
		missing        string
	}{
		"the same":                    {"network=a.example", "network=a.example", ""},
		"a host below":                {"network=a.b.example", "network=*.b.example", ""},
		"a pattern below":             {"network=*.a.b.example", "network=*.b.example", ""},
		"the domain itself":           {"network=b.example", "network=*.b.example", "network=b.example"},
		"a host that only ends so":    {"network=evilb.example", "network=*.b.example", "network=evilb.example"},
		"any host, of a pattern":      {"network=*", "network=*.example", "network=*"},
		"a pattern, of any host":      {"network=*.example", "network=*", ""},
		"a file below":                {"read=/data/in/a", "read=/data", ""},
		"a path that only begins so":  {"read=/database", "read=/data", "read=/database"},
		"reading, where it may write": {"read=/data/in", "write=/data", ""},
		"writing, where it may read":  {"write=/data", "read=/", "write=/data"},
		"a file, of all":              {"read=/etc/hosts write=/x", "write=/", ""},
		"less memory":                 {"memory=100", "memory=200", ""},
		"more memory":                 {"memory=201", "memory=200", "memory=201"},
		"more of a core":              {"cpus=0.75", "cpus=0.5", "cpus=0.75"},
		"another variable":            {"env=A env=B", "env=A", "env=B"},
		"a variable, of those shown":  {"env=A", "env=*", "env=A"},
		"nothing":                     {"none", "none", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked, err := plugin.ParseGrants(strings.Fields(tt.asked))
			require.NoError(t, err)
			granted, err := plugin.ParseGrants(strings.Fields(tt.granted))
			require.NoError(t, err)
			var missing []string
			for _, p := range asked.Beyond(granted) {
				missing = append(missing, p.String())
			}
			require.Equal(t, tt.missing, strings.Join(missing, " "))
			require.Empty(t, asked.Beyond(granted.Join(asked)))
		})
	}
}

func TestGrantsAreWrittenAsTheyAreShown(t *testing.T) {
	t.Parallel()
	texts := []string{"network=*.example.com", "env=TOKEN", "read=/a b", "write=/", "memory=512", "cpus=1.5"}
	p, err := plugin.ParseGrants(texts)
	require.NoError(t, err)
	var again []string
	for _, permission := range p.List() {
		again = append(again, permission.String())
	}
	require.Empty(t, cmp.Diff(texts, again))
	for _, text := range []string{"", "network", "network=", "colour=red", "memory=much", "memory=99999999999999999999", "cpus=NaN", "cpus=all", "read=" + filepath.Join("a", "b")} {
		_, err := plugin.ParseGrants([]string{text})
		require.Error(t, err, text)
	}
}
