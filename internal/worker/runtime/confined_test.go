package runtime_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// confined are handlers that tell what they can reach.
var confined = map[string]string{
	"reach.ts": `
import { readFileSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { defineHandler } from "@jobrunner/handler";

const attempt = async (f: () => unknown): Promise<string> => {
  try {
    await f();
    return "ok";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

interface Paths { secret: string; granted: string; port: number }

export default defineHandler({
  name: "reach",
  run: async (job) => {
    const { secret, granted } = job.data as Paths;
    return {
      own: await attempt(() => readFileSync("beside.txt")),
      temp: await attempt(() => writeFileSync(process.env.TMPDIR + "/x", "x")),
      secret: await attempt(() => readFileSync(secret)),
      granted: await attempt(() => writeFileSync(granted + "/x", "x")),
      source: await attempt(() => writeFileSync("beside.txt", "x")),
      network: await attempt(() => new Promise((resolve, reject) => {
        createConnection({ host: "127.0.0.1", port: 9 }).on("connect", resolve).on("error", reject);
      })),
    };
  },
});
`,
	"reach.py": `
import errno, os, socket
from jobrunner import handler

def attempt(f):
    try:
        f()
        return "ok"
    except OSError as e:
        return errno.errorcode[e.errno]

def write(path):
    with open(path, "w") as file:
        file.write("x")

@handler()
def reach(job):
    return {
        "own": attempt(lambda: open("beside.txt").close()),
        "temp": attempt(lambda: write(os.environ["TMPDIR"] + "/x")),
        "secret": attempt(lambda: open(job.data["secret"]).close()),
        "granted": attempt(lambda: write(job.data["granted"] + "/x")),
        "source": attempt(lambda: write("beside.txt")),
        "network": attempt(lambda: socket.create_connection(("127.0.0.1", 9))),
    }
`,
}

func TestAConfinedHandlerReachesWhatItWasGranted(t *testing.T) {
	t.Parallel()
	require.True(t, sandbox.Check().Confined, "this machine cannot confine handlers")
	for file, text := range confined {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			dir, granted := t.TempDir(), t.TempDir()
			path := writeFile(t, dir, file, text)
			writeFile(t, dir, "beside.txt", "beside")
			secret := writeFile(t, t.TempDir(), "secret.txt", "secret")
			data, err := json.Marshal(map[string]string{"secret": secret, "granted": granted})
			require.NoError(t, err)
			tests := map[string]struct {
				policy sandbox.Policy
				want   string
			}{
				"nothing": {sandbox.Policy{}, `{"own":"ok","temp":"ok","secret":"EACCES","granted":"EACCES","source":"EACCES","network":"EACCES"}`},
				"a folder and the network": {
					sandbox.Policy{Network: true}.WithWrite(granted),
					`{"own":"ok","temp":"ok","secret":"EACCES","granted":"ok","source":"EACCES","network":"ECONNREFUSED"}`,
				},
			}
			for name, tt := range tests {
				loaded, err := newLoader(t).Load(t.Context(), runtime.Module{Path: path, Policy: &tt.policy})
				require.NoError(t, err, name)
				result, err := loaded.Host.Run(newJob(t, string(data)), "reach")
				loaded.Host.Close()
				require.NoError(t, err, name)
				require.JSONEq(t, tt.want, string(result), name)
			}
		})
	}
}

func TestAConfinedProgramRuns(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "reach.sh")
	secret := writeFile(t, t.TempDir(), "secret.txt", "secret")
	require.NoError(t, os.WriteFile(path, []byte(`#!/bin/sh
echo '"done"' >"$JOBRUNNER_RESULT"
cat `+secret+` || exit 0
exit 1
`), 0o700))
	loaded, err := newLoader(t).Load(t.Context(), runtime.Module{Path: path, Policy: &sandbox.Policy{}})
	require.NoError(t, err)
	defer loaded.Host.Close()
	job := newJob(t, `{}`)
	result, err := loaded.Host.Run(job, "reach")
	require.NoError(t, err)
	require.Equal(t, `"done"`, string(result))
	require.Contains(t, job.Logged()[0], "Permission denied")
}

// refused are handlers that run into what they were not granted, as it comes.
var refused = map[string]string{
	"refused.mjs": `
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
export default {
  name: "refused",
  run: (job) => ({
    fetch: () => fetch("http://example.com/"),
    connect: () => new Promise((_, reject) => createConnection({ host: "127.0.0.1", port: 9 }).on("error", reject)),
    file: () => readFileSync(job.data.file),
    other: () => { throw new Error("out of paper"); },
  })[job.data.what](),
};
`,
	"refused.py": `
import socket, urllib.request
from jobrunner import handler

def other():
    raise ValueError("out of paper")

@handler()
def refused(job):
    return {
        "fetch": lambda: urllib.request.urlopen("http://example.com/"),
        "connect": lambda: socket.create_connection(("127.0.0.1", 9)),
        "file": lambda: open(job.data["file"]),
        "other": other,
    }[job.data["what"]]()
`,
}

func TestAnErrorSaysThatAGrantIsMissing(t *testing.T) {
	t.Parallel()
	const network, file = " (the handler was not granted the network)", " (the handler reaches only files that it was granted)"
	secret := writeFile(t, t.TempDir(), "secret.txt", "secret")
	for name, text := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := writeFile(t, t.TempDir(), name, text)
			loaded, err := newLoader(t).Load(t.Context(), runtime.Module{Path: path, Policy: &sandbox.Policy{}})
			require.NoError(t, err)
			defer loaded.Host.Close()
			for what, want := range map[string]string{"fetch": network, "connect": network, "file": file, "other": "out of paper"} {
				_, err := loaded.Host.Run(newJob(t, `{"what":"`+what+`","file":"`+secret+`"}`), "refused")
				require.Error(t, err)
				require.True(t, strings.HasSuffix(err.Error(), want), "%s: %v", what, err)
			}
		})
	}
}
