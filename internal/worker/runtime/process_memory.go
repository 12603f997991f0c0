package runtime

import (
	"fmt"

	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// nodeOverhead is what node needs of a process's memory besides its heap.
const nodeOverhead = 192 << 20

// nodeMemory bounds node's heap within a policy's memory, so that node gives up
// in order, and says why, before the kernel ends it.
func nodeMemory(p sandbox.Policy) []string {
	if p.Memory <= 0 {
		return nil
	}
	heap := max(p.Memory-nodeOverhead, p.Memory/2)
	return []string{fmt.Sprintf("--max-old-space-size=%d", max(heap>>20, 16))}
}
