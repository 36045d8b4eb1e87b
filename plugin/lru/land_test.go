package lru

// land waits until no flight is under way.
func (f *flights) land() {
	for {
		var next *flight
		f.mu.Lock()
		for _, next = range f.all {
			break
		}
		f.mu.Unlock()
		if next == nil {
			return
		}
		<-next.done
	}
}
