package fanout

import "encoding/json"

// Data is what a fan-out job asks for.
type Data struct {
	Items     []json.RawMessage `json:"items" jsonschema:"title=Items,description=One child job is added for each,maxItems=10000"`
	Child     Child             `json:"child" jsonschema:"title=Child,description=The job that is added for each item"`
	BatchSize int               `json:"batchSize,omitempty" jsonschema:"title=Batch size,description=How many items one child gets,minimum=1,maximum=10000,default=1"`

	OnFailure   Policy `json:"onFailure,omitempty" jsonschema:"title=When a child fails,description=fail: this job fails at once; ignore: it completes and lists the failures; count: it fails after all children if more failed than allowed,enum=fail,enum=ignore,enum=count,default=fail"`
	MaxFailures int    `json:"maxFailures,omitempty" jsonschema:"title=Failures allowed,description=For count: how many children may fail,minimum=0,default=0"`

	NoResults bool `json:"noResults,omitempty" jsonschema:"title=No results,description=Return the numbers only"`
}

// Policy says what a child's failure means.
type Policy string

// The policies.
const (
	Fail   Policy = "fail"
	Ignore Policy = "ignore"
	Count  Policy = "count"
)

// Child is the template of the jobs that are added.
type Child struct {
	Name  string `json:"name" jsonschema:"title=Name,description=Chooses the handler,minLength=1,maxLength=200"`
	Queue string `json:"queue,omitempty" jsonschema:"title=Queue,description=Without it the queue of this job,maxLength=200"`
	// Data may hold placeholders; nil stands for the item itself.
	Data json.RawMessage `json:"data,omitempty" jsonschema:"title=Data,description=With {{item}}\\, {{item.member}}\\, {{items}} for a batch and {{index}} in its texts; without it the item itself or the batch as {items}"`
	// Opts are BullMQ's job options, less those that this handler decides.
	Opts map[string]json.RawMessage `json:"opts,omitempty" jsonschema:"title=Options,description=Such as attempts\\, backoff\\, priority and delay"`
}

// Result says what became of the children.
type Result struct {
	Children  int `json:"children" jsonschema:"title=Children"`
	Completed int `json:"completed" jsonschema:"title=Completed"`
	Failed    int `json:"failed" jsonschema:"title=Failed"`
	// Results has the children's results in the items' order, null for those that failed.
	Results []json.RawMessage `json:"results,omitempty" jsonschema:"title=Results,description=In the items' order; null for children that failed"`
	// Omitted says that the results are too large to stand in one.
	Omitted  bool      `json:"omitted,omitempty" jsonschema:"title=Omitted,description=The results are too large to stand here; the children have them"`
	Failures []Failure `json:"failures,omitempty" jsonschema:"title=Failures,description=The first hundred"`
}

// Failure is a child that failed.
type Failure struct {
	Index  int    `json:"index" jsonschema:"title=Index,description=Of the child from 0"`
	Reason string `json:"reason" jsonschema:"title=Reason"`
}

// Progress is what the handler reports.
type Progress struct {
	// Added is how many children there are so far, of Total.
	Added int `json:"added"`
	Total int `json:"total"`
}
