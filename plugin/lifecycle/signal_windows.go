package lifecycle

// takeSignals has nothing to do: Windows has no signals to reload.
func takeSignals() {}
