package azure

// identities returns the identities to try, in their order.
func (s *Source) identities() func() ([]candidate, error) { return candidates }
