package serve

import "salve/bot/flow/hear"

// Desk is the gate of all commands, Window what shows where things stand.
func (s *Salve) Desk() hear.Desk     { return s.desk }
func (s *Salve) Window() hear.Window { return s.tell }
