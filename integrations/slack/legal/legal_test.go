package legal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/integrations/slack/legal"
)

func TestACardIsLegal(t *testing.T) {
	t.Parallel()
	const card = `{"channel":"C1","text":"HIGH db-3 disk 97 %: approve?","blocks":[
		{"type":"header","text":{"type":"plain_text","text":"db-3 disk 97 %"}},
		{"type":"section","text":{"type":"mrkdwn","text":"*since* 03:10"},"fields":[{"type":"mrkdwn","text":"x"}]},
		{"type":"actions","block_id":"act:7","elements":[
			{"type":"button","text":{"type":"plain_text","text":"Approve"},"style":"primary","action_id":"1","value":"token"},
			{"type":"overflow","action_id":"2","options":[{"text":{"type":"plain_text","text":"Why"},"value":"other"}]}]}]}`
	require.Empty(t, legal.Check(legal.Message, []byte(card)))
}
