package bot

// Route is a place where an Incident is shown, and why there.
type Route struct {
	Surface string `json:"surface"`
	Place   string `json:"place"`
	Because string `json:"because"` // the rule that sent it there, for people
}
