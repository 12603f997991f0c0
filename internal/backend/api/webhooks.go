package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/backend/webhook"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

// WebhookEvent is the name of an event that webhooks can ask for.
type WebhookEvent string

// Schema names the events.
func (WebhookEvent) Schema(r huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Description: "What happened to a job or a queue"}
	for _, name := range webhook.Events() {
		s.Enum = append(s.Enum, name)
	}
	return component(r, "WebhookEvent", s)
}

// Webhook is an address that is told about events.
type Webhook struct {
	ID        string         `json:"id" format:"uuid"`
	URL       string         `json:"url"`
	Events    []WebhookEvent `json:"events"`
	Queues    []string       `json:"queues" doc:"The patterns of the queues it follows; none means all"`
	Enabled   bool           `json:"enabled" doc:"A receiver that answers 410 disables its webhook"`
	CreatedAt int64          `json:"createdAt" doc:"In epoch ms"`
	CreatedBy string         `json:"createdBy" doc:"The id of the principal who made it"`
	UpdatedAt int64          `json:"updatedAt" doc:"In epoch ms"`
}

// CreatedWebhook is a new webhook, with its secret for this once.
type CreatedWebhook struct {
	Webhook
	Secret string `json:"secret" doc:"Signs the deliveries as the Standard Webhooks specification says; it is not shown again" example:"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"`
}

// WebhookSpec is a webhook as its author describes it.
type WebhookSpec struct {
	URL     string         `json:"url" minLength:"1" maxLength:"2048" doc:"Where deliveries are posted, http or https, on the public internet unless the server allows more" example:"https://example.com/hooks/jobs"`
	Events  []WebhookEvent `json:"events" minItems:"1" maxItems:"50"`
	Queues  []string       `json:"queues,omitempty" maxItems:"100" minLength:"1" maxLength:"200" doc:"Patterns of queue names, where * stands for any text; none means all queues"`
	Enabled *bool          `json:"enabled,omitempty" default:"true" doc:"Whether it gets deliveries"`
}

// WebhookDelivery is what became of one message to a webhook.
type WebhookDelivery struct {
	ID             string       `json:"id" doc:"The webhook-id header of the message"`
	Event          WebhookEvent `json:"event"`
	Queue          string       `json:"queue"`
	JobID          string       `json:"jobId,omitempty"`
	Status         string       `json:"status" enum:"delivered,retrying,failed"`
	Attempts       int          `json:"attempts"`
	ResponseStatus int          `json:"responseStatus,omitempty" doc:"The HTTP status of the latest answer; absent without one"`
	Response       string       `json:"response,omitempty" doc:"The beginning of the latest answer"`
	Error          string       `json:"error,omitempty"`
	Duration       int64        `json:"duration" doc:"How long the latest attempt took, in ms"`
	CreatedAt      int64        `json:"createdAt" doc:"In epoch ms"`
	UpdatedAt      int64        `json:"updatedAt" doc:"In epoch ms"`
}

// WebhookPath names a webhook in the path of an operation.
type WebhookPath struct {
	ID string `path:"id" maxLength:"64" doc:"The webhook's id"`
}

type createWebhookInput struct{ Body WebhookSpec }

type createWebhookOutput struct {
	Location string `header:"Location"`
	Body     CreatedWebhook
}

type putWebhookInput struct {
	WebhookPath
	Body WebhookSpec
}

type webhookOutput struct{ Body Webhook }

type listDeliveriesInput struct {
	WebhookPath
	PageQuery
}

// webhookHandlers are the operations on webhooks.
type webhookHandlers struct{ hooks *webhook.Service }

func registerWebhooks(g group, hooks *webhook.Service) {
	h := &webhookHandlers{hooks}
	const one = "/webhooks/{id}"
	route(g, http.MethodGet, "/webhooks", "listWebhooks", "List the webhooks, newest first", h.list)
	route(g, http.MethodPost, "/webhooks", "createWebhook", "Make a webhook", h.create, created)
	route(g, http.MethodGet, one, "getWebhook", "Get a webhook", h.get)
	route(g, http.MethodPut, one, "putWebhook", "Replace what a webhook follows and where it goes; its secret stays", h.put)
	route(g, http.MethodDelete, one, "deleteWebhook", "Delete a webhook and the log of its deliveries", h.remove)
	route(g, http.MethodGet, one+"/deliveries", "listWebhookDeliveries", "List the deliveries of a webhook, newest first", h.deliveries)
}

func (h *webhookHandlers) list(ctx context.Context, in *PageQuery) (*pageOutput[Webhook], error) {
	from, err := in.offset("webhooks")
	if err != nil {
		return nil, err
	}
	rows, total, err := h.hooks.Webhooks(ctx, from, int64(in.Limit))
	if err != nil {
		return nil, err
	}
	items := make([]Webhook, len(rows))
	for i := range rows {
		items[i] = newWebhook(&rows[i])
	}
	return partOf(items, "webhooks", from, total), nil
}

func (h *webhookHandlers) create(ctx context.Context, in *createWebhookInput) (*createWebhookOutput, error) {
	author, err := webhookAuthor(ctx)
	if err != nil {
		return nil, err
	}
	w, err := h.hooks.Create(ctx, in.Body.spec(), author)
	if err != nil {
		return nil, webhookProblem(err)
	}
	return &createWebhookOutput{
		Location: basePath + "/webhooks/" + w.ID,
		Body:     CreatedWebhook{Webhook: newWebhook(w), Secret: w.Secret},
	}, nil
}

func (h *webhookHandlers) get(ctx context.Context, in *WebhookPath) (*webhookOutput, error) {
	w, err := h.hooks.Webhook(ctx, in.ID)
	if err != nil {
		return nil, webhookProblem(err)
	}
	return &webhookOutput{newWebhook(w)}, nil
}

func (h *webhookHandlers) put(ctx context.Context, in *putWebhookInput) (*webhookOutput, error) {
	author, err := webhookAuthor(ctx)
	if err != nil {
		return nil, err
	}
	w, err := h.hooks.Update(ctx, in.ID, in.Body.spec(), author)
	if err != nil {
		return nil, webhookProblem(err)
	}
	return &webhookOutput{newWebhook(w)}, nil
}

func (h *webhookHandlers) remove(ctx context.Context, in *WebhookPath) (*struct{}, error) {
	return nil, webhookProblem(h.hooks.Delete(ctx, in.ID))
}

func (h *webhookHandlers) deliveries(ctx context.Context, in *listDeliveriesInput) (*pageOutput[WebhookDelivery], error) {
	from, err := in.offset("webhook-deliveries")
	if err != nil {
		return nil, err
	}
	rows, total, err := h.hooks.Deliveries(ctx, in.ID, from, int64(in.Limit))
	if err != nil {
		return nil, webhookProblem(err)
	}
	items := make([]WebhookDelivery, len(rows))
	for i := range rows {
		items[i] = newWebhookDelivery(&rows[i])
	}
	return partOf(items, "webhook-deliveries", from, total), nil
}

func (s *WebhookSpec) spec() webhook.Spec {
	spec := webhook.Spec{URL: s.URL, Queues: s.Queues, Enabled: s.Enabled == nil || *s.Enabled}
	for _, e := range s.Events {
		spec.Events = append(spec.Events, string(e))
	}
	return spec
}

// webhookAuthor returns who makes or changes a webhook. Deliveries carry what
// jobs returned, so whoever may not read jobs may not have it sent somewhere.
func webhookAuthor(ctx context.Context) (webhook.Author, error) {
	p := auth.FromContext(ctx)
	if !p.Has(auth.JobsRead) {
		return webhook.Author{}, problem.New(http.StatusForbidden, "missing_scope", "This needs the scope "+string(auth.JobsRead)+" as well.").
			At("header.Authorization", "The credential lacks the scope "+string(auth.JobsRead)+".")
	}
	return webhook.Author{ID: p.ID, Queues: p.Queues}, nil
}

// webhookProblem explains the errors of the service that callers can do something about.
func webhookProblem(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return problem.Field(http.StatusNotFound, "webhook_not_found", "path.id", "There is no webhook of this id.")
	}
	if invalid, ok := errors.AsType[*webhook.InvalidError](err); ok {
		return problem.Field(http.StatusUnprocessableEntity, "validation_failed", "body."+invalid.Field, invalid.Message)
	}
	return err
}

func newWebhook(w *store.Webhook) Webhook {
	events := make([]WebhookEvent, len(w.Events))
	for i, name := range w.Events {
		events[i] = WebhookEvent(name)
	}
	return Webhook{
		ID: w.ID, URL: w.URL, Events: events, Queues: append([]string{}, w.Queues...), Enabled: w.Enabled,
		CreatedAt: w.CreatedAt, CreatedBy: w.CreatedBy, UpdatedAt: w.UpdatedAt,
	}
}

func newWebhookDelivery(d *store.WebhookDelivery) WebhookDelivery {
	return WebhookDelivery{
		ID: d.ID, Event: WebhookEvent(d.Event), Queue: d.Queue, JobID: d.JobID, Status: d.Status, Attempts: d.Attempts,
		ResponseStatus: d.ResponseStatus, Response: d.Response, Error: d.Error, Duration: d.DurationMS,
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
	}
}
