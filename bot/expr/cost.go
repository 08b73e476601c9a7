package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
)

// maxValue is the size that a text (in bytes), a map or a list from outside is
// taken to have at most when the cost of an expression is told beforehand.
const maxValue = 64 << 10

// programOptions has an expression's cost counted while it is evaluated, unless
// it can be told beforehand that it stays below the limit: counting takes longer
// than a match does.
func programOptions(env *cel.Env, tree *cel.Ast) []cel.ProgramOption {
	opts := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if est, err := env.EstimateCost(tree, worstSizes{}); err == nil && est.Max <= costLimit {
		return opts
	}
	return append(opts, cel.CostLimit(costLimit))
}

// worstSizes takes every value from outside to be as large as it may be.
type worstSizes struct{}

// EstimateCallCost leaves calls to CEL's own figures, but for severity, which
// looks at a few bytes.
func (worstSizes) EstimateCallCost(function, _ string, _ *cost.AstNode, _ []cost.AstNode) *cost.CallEstimate {
	if function != "severity" {
		return nil
	}
	return &cost.CallEstimate{CostEstimate: cost.FixedCostEstimate(1)}
}

// EstimateSize is asked for what cannot be told from the expression.
func (worstSizes) EstimateSize(cost.AstNode) *cost.SizeEstimate {
	return &cost.SizeEstimate{Min: 0, Max: maxValue}
}
