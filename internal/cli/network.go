package cli

import (
	"net/netip"

	"github.com/jobrunner-dev/jobrunner/internal/safedial"
)

// dialOptions say what users may make JobRunner connect to: public addresses,
// and the hosts and address ranges that the setting allows.
func dialOptions(allow []string) safedial.Options {
	var opts safedial.Options
	for _, host := range allow {
		if prefix, err := netip.ParsePrefix(host); err == nil {
			opts.Allow = append(opts.Allow, prefix)
			continue
		}
		opts.AllowHosts = append(opts.AllowHosts, host)
	}
	return opts
}
