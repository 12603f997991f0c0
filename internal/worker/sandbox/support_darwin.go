package sandbox

import "syscall"

// hostSupport is what a machine allows us to use: here, resource limits only.
type hostSupport struct{ namespaces bool }

func findSupport() *hostSupport { return &hostSupport{} }

func (h *hostSupport) attributes(*group) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true}
}

func (h *hostSupport) describe() Support {
	const nothing = "nothing: macOS has no means for it"
	return Support{
		Memory: nothing, CPU: nothing, Processes: nothing,
		Files: nothing, Network: nothing, Tree: "the process group",
	}
}

// group stands for a control group, which this system does not have.
type group struct{}

func (h *hostSupport) newGroup(Policy) (*group, error) { return nil, nil } //nolint:nilnil // there are none

func (g *group) limits() bool      { return false }
func (g *group) kill()             {}
func (g *group) outOfMemory() bool { return false }
func (g *group) remove() error     { return nil }
