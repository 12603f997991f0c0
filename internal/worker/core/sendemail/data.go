package sendemail

// Data is what a send-email job asks for.
type Data struct {
	Connection string `json:"connection,omitempty" jsonschema:"title=Connection,description=Name of an SMTP connection of the worker; not needed if there is only one,maxLength=200"`

	From    string   `json:"from,omitempty" jsonschema:"title=From,description=Sender such as Ada <ada@example.com>; without it the connection's own,maxLength=1000"`
	To      []string `json:"to,omitempty" jsonschema:"title=To,description=Recipients,maxItems=100"`
	Cc      []string `json:"cc,omitempty" jsonschema:"title=Cc,description=Recipients of a copy,maxItems=100"`
	Bcc     []string `json:"bcc,omitempty" jsonschema:"title=Bcc,description=Recipients of a copy whom the others do not see,maxItems=100"`
	ReplyTo []string `json:"replyTo,omitempty" jsonschema:"title=Reply to,description=Where answers go,maxItems=10"`

	Subject string `json:"subject" jsonschema:"title=Subject,maxLength=1000"`
	Text    string `json:"text,omitempty" jsonschema:"title=Text,description=The message as plain text"`
	HTML    string `json:"html,omitempty" jsonschema:"title=HTML,description=The message as HTML; with a text both are sent and the reader's program chooses"`

	Attachments []Attachment      `json:"attachments,omitempty" jsonschema:"title=Attachments,maxItems=20"`
	Headers     map[string]string `json:"headers,omitempty" jsonschema:"title=Headers,description=Further header fields: those that begin with X- or List- and Auto-Submitted\\, In-Reply-To\\, Importance\\, Precedence\\, Priority and References"`
}

// Attachment is a file that goes along; exactly one of Content and Path is given.
type Attachment struct {
	Name        string  `json:"name,omitempty" jsonschema:"title=Name,description=File name that the recipient sees; without it that of the path,maxLength=200"`
	Content     *string `json:"content,omitempty" jsonschema:"title=Content,description=The file in base64"`
	Path        string  `json:"path,omitempty" jsonschema:"title=Path,description=A file below one of the worker's attachment directories,maxLength=4096"`
	ContentType string  `json:"contentType,omitempty" jsonschema:"title=Content type,description=Such as application/pdf; without it what the name's extension says,maxLength=200"`
	ContentID   string  `json:"contentId,omitempty" jsonschema:"title=Content id,description=Makes it an inline file that the HTML shows as cid:ID,pattern=^[A-Za-z0-9._@-]{1\\,200}$"`
}

// Result says what the mail server took.
type Result struct {
	MessageID  string `json:"messageId" jsonschema:"title=Message-ID,description=The same at every attempt of the job"`
	Recipients int    `json:"recipients" jsonschema:"title=Recipients,description=How many addresses the server accepted"`
	Bytes      int64  `json:"bytes" jsonschema:"title=Size,description=Of the message in bytes"`
	Response   string `json:"response,omitempty" jsonschema:"title=Response,description=What the server answered"`
}
