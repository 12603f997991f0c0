package webhook

// Known reports whether the service announces events to the webhook.
func Known(s *Service, id string) bool {
	for _, hooks := range s.hooks.Load().byEvent {
		for _, h := range hooks {
			if h.id == id {
				return true
			}
		}
	}
	return false
}
