package discordtest

// dispatchInteraction sends it to one session, which takes turns with the others:
// one that is linked, or else one that may come back. It waits for one as long as
// a person waits.
func (d *Discord) dispatchInteraction(payload object) {
	if !d.Await(d.opts.AckWithin, func() bool { return len(d.snapshot()) > 0 }) {
		return // nobody listens, and the person sees that it failed
	}
	all := d.snapshot()
	var linked []*session
	for _, s := range all {
		if s.isLinked() {
			linked = append(linked, s)
		}
	}
	if len(linked) == 0 {
		linked = all[len(all)-1:]
	}
	d.mu.Lock()
	d.next++
	to := linked[d.next%len(linked)]
	d.mu.Unlock()
	if err := to.dispatch("INTERACTION_CREATE", payload); err != nil {
		d.tb.Errorf("discordtest: %v", err)
	}
}

func (d *Discord) snapshot() []*session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]*session{}, d.sessions...)
}

// Sessions is how many are linked now.
func (d *Discord) Sessions() int {
	n := 0
	for _, s := range d.snapshot() {
		if s.isLinked() {
			n++
		}
	}
	return n
}

// Intents are those of the newest session; ok is false when there was none.
func (d *Discord) Intents() (intents int64, ok bool) {
	all := d.snapshot()
	if len(all) == 0 {
		return 0, false
	}
	return all[len(all)-1].intents, true
}

// Identified is how many sessions were begun: a client that resumes begins none.
func (d *Discord) Identified() int { return len(d.snapshot()) }

// Reconnect asks every client to come back over another link.
func (d *Discord) Reconnect() {
	for _, k := range d.linksNow() {
		_ = k.send(opReconnect, nil) // one that is gone needs no telling
	}
}

// Invalidate ends every session: clients are told to begin anew, and those who
// try to resume are told so again.
func (d *Discord) Invalidate() {
	d.mu.Lock()
	d.sessions = nil
	d.mu.Unlock()
	for _, k := range d.linksNow() {
		_ = k.send(opInvalidSession, false) // one that is gone needs no telling
	}
}

// DropLinks ends every link without a word; sessions can be resumed.
func (d *Discord) DropLinks() {
	for _, k := range d.linksNow() {
		k.drop()
	}
}

// CloseLinks ends every link with a code of the gateway, as in 4000.
func (d *Discord) CloseLinks(code int) {
	for _, k := range d.linksNow() {
		k.say(code, "")
	}
}

// Zombie makes the gateway answer no heartbeat, or answer again.
func (d *Discord) Zombie(silent bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.zombie = silent
}

func (d *Discord) linksNow() []*link {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.openLinks()
}

// Resumed is how often a session was resumed.
func (d *Discord) Resumed() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.resumed
}

// Beats is how many heartbeats came, of all clients.
func (d *Discord) Beats() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.beats
}
