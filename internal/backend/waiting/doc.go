// Package waiting says why a job does not run yet: what its queue, its handler
// and the workers that there are tell about it.
package waiting
