#include "cloud/schema.h"

#include "base/mem.h"

/* Times are milliseconds since 1970. Documents are JSON text written by us. A step is never edited once
 * released. */
static const struct db_migration steps[] = {
    { "registry",
      "CREATE TABLE settings (name {text} PRIMARY KEY, content {text} NOT NULL) {strict};"
      "CREATE TABLE things (name {text} PRIMARY KEY, uuid {text} NOT NULL, attributes {text} NOT NULL,"
      " version {int} NOT NULL) {strict};"
      "CREATE TABLE cas (cert_id {text} PRIMARY KEY, pem {text} NOT NULL, status {text} NOT NULL,"
      " auto_registration {text} NOT NULL, subject_hash {text} NOT NULL, mode {text} NOT NULL,"
      " generation {text} NOT NULL, revision {int} NOT NULL, created_ms {int} NOT NULL, modified_ms {int} "
      "NOT NULL,"
      " not_before_ms {int} NOT NULL, not_after_ms {int} NOT NULL) {strict};"
      "CREATE INDEX cas_by_subject ON cas (subject_hash);"
      "CREATE TABLE certificates (cert_id {text} PRIMARY KEY, pem {text} NOT NULL, status {text} NOT NULL,"
      " ca_id {text}, mode {text} NOT NULL, generation {text} NOT NULL, revision {int} NOT NULL,"
      " created_ms {int} NOT NULL, modified_ms {int} NOT NULL, not_before_ms {int} NOT NULL,"
      " not_after_ms {int} NOT NULL) {strict};"
      "CREATE INDEX certificates_by_age ON certificates (created_ms, cert_id);"
      "CREATE TABLE policies (name {text} PRIMARY KEY, document {text} NOT NULL, version {int} NOT NULL,"
      " generation {text} NOT NULL, created_ms {int} NOT NULL, modified_ms {int} NOT NULL) {strict};"
      "CREATE TABLE policy_targets (policy {text} NOT NULL REFERENCES policies (name),"
      " cert_id {text} NOT NULL REFERENCES certificates (cert_id), PRIMARY KEY (policy, cert_id)) {strict};"
      "CREATE INDEX policy_targets_by_cert ON policy_targets (cert_id, policy);"
      "CREATE TABLE thing_principals (thing {text} NOT NULL REFERENCES things (name),"
      " cert_id {text} NOT NULL REFERENCES certificates (cert_id), PRIMARY KEY (thing, cert_id)) {strict};"
      "CREATE INDEX thing_principals_by_cert ON thing_principals (cert_id, thing)" },
    { "shadows",
      "CREATE TABLE shadows (thing {text} NOT NULL, name {text} NOT NULL, document {text} NOT NULL,"
      " PRIMARY KEY (thing, name)) {strict}" },
    { "greengrass",
      "CREATE TABLE gg_definitions (uuid {text} PRIMARY KEY, kind {text} NOT NULL, name {text}, tags {text},"
      " latest {text}, created_ms {int} NOT NULL, updated_ms {int} NOT NULL) {strict};"
      "CREATE INDEX gg_definitions_by_age ON gg_definitions (kind, created_ms, uuid);"
      "CREATE TABLE gg_definition_versions (uuid {text} PRIMARY KEY, definition {text} NOT NULL,"
      " kind {text} NOT NULL, content {text} NOT NULL, created_ms {int} NOT NULL) {strict};"
      "CREATE INDEX gg_definition_versions_by_age ON gg_definition_versions (definition, created_ms, uuid);"
      "CREATE TABLE gg_groups (uuid {text} PRIMARY KEY, name {text} NOT NULL, tags {text}, latest {text},"
      " created_ms {int} NOT NULL, updated_ms {int} NOT NULL) {strict};"
      "CREATE INDEX gg_groups_by_age ON gg_groups (created_ms, uuid);"
      "CREATE TABLE gg_group_versions (uuid {text} PRIMARY KEY, owner {text} NOT NULL REFERENCES gg_groups "
      "(uuid),"
      " content {text} NOT NULL, created_ms {int} NOT NULL) {strict};"
      "CREATE INDEX gg_group_versions_by_age ON gg_group_versions (owner, created_ms, uuid);"
      "CREATE TABLE gg_deployments (seq {id}, uuid {text} NOT NULL UNIQUE, owner {text} NOT NULL REFERENCES "
      "gg_groups (uuid),"
      " group_version {text} NOT NULL, kind {text} NOT NULL, status {text} NOT NULL, core_arn {text},"
      " region {text} NOT NULL, error_message {text}, error_details {text}, envelope {text},"
      " created_ms {int} NOT NULL, updated_ms {int} NOT NULL) {strict};"
      "CREATE INDEX gg_deployments_by_group ON gg_deployments (owner, seq);"
      "CREATE TABLE gg_artifacts (deployment {text} NOT NULL, name {text} NOT NULL, content {blob} NOT NULL,"
      " PRIMARY KEY (deployment, name)) {strict}" },
    /* policies.document and .version stay: the default version's, which every connection loads. */
    { "policy versions",
      "CREATE TABLE policy_versions (policy {text} NOT NULL REFERENCES policies (name), version {int} NOT "
      "NULL,"
      " document {text} NOT NULL, created_ms {int} NOT NULL, PRIMARY KEY (policy, version)) {strict};"
      "INSERT INTO policy_versions (policy, version, document, created_ms)"
      " SELECT name, version, document, created_ms FROM policies;"
      "ALTER TABLE policies ADD COLUMN last_version {int} NOT NULL DEFAULT 1;"
      "CREATE INDEX policies_by_age ON policies (created_ms, name)" },
    /* thing_attributes repeats things.attributes, for ListThings by attribute. */
    { "thing types",
      "CREATE TABLE thing_types (name {text} PRIMARY KEY, uuid {text} NOT NULL, description {text},"
      " searchable {text} NOT NULL, created_ms {int} NOT NULL, deprecated_ms {int}) {strict};"
      "ALTER TABLE things ADD COLUMN thing_type {text} REFERENCES thing_types (name);"
      "CREATE INDEX things_by_type ON things (thing_type, name);"
      "CREATE TABLE thing_attributes (thing {text} NOT NULL REFERENCES things (name), name {text} NOT NULL,"
      " content {text} NOT NULL, PRIMARY KEY (thing, name)) {strict};"
      "CREATE INDEX thing_attributes_by_content ON thing_attributes (name, content, thing)" },
    { "thing groups",
      "CREATE TABLE thing_groups (name {text} PRIMARY KEY, uuid {text} NOT NULL,"
      " parent {text} REFERENCES thing_groups (name), description {text}, attributes {text} NOT NULL,"
      " version {int} NOT NULL, created_ms {int} NOT NULL) {strict};"
      "CREATE INDEX thing_groups_by_parent ON thing_groups (parent, name);"
      "CREATE TABLE group_members (grp {text} NOT NULL REFERENCES thing_groups (name),"
      " thing {text} NOT NULL REFERENCES things (name), PRIMARY KEY (grp, thing)) {strict};"
      "CREATE INDEX group_members_by_thing ON group_members (thing, grp);"
      "CREATE TABLE policy_groups (policy {text} NOT NULL REFERENCES policies (name),"
      " grp {text} NOT NULL REFERENCES thing_groups (name), PRIMARY KEY (policy, grp)) {strict};"
      "CREATE INDEX policy_groups_by_group ON policy_groups (grp, policy)" },
    { "certificates by CA", "CREATE INDEX certificates_by_ca ON certificates (ca_id, created_ms, cert_id);"
                            "CREATE INDEX cas_by_age ON cas (created_ms, cert_id)" },
    { "tags, records and billing groups",
      "CREATE TABLE tags (kind {text} NOT NULL, name {text} NOT NULL, tag {text} NOT NULL, content {text},"
      " PRIMARY KEY (kind, name, tag)) {strict};"
      "CREATE TABLE records (kind {text} NOT NULL, name {text} NOT NULL, content {text} NOT NULL,"
      " created_ms {int} NOT NULL, modified_ms {int} NOT NULL, PRIMARY KEY (kind, name)) {strict};"
      "CREATE INDEX records_by_age ON records (kind, created_ms, name);"
      "CREATE TABLE billing_groups (name {text} PRIMARY KEY, uuid {text} NOT NULL, description {text},"
      " version {int} NOT NULL, created_ms {int} NOT NULL) {strict};"
      "ALTER TABLE things ADD COLUMN billing_group {text} REFERENCES billing_groups (name);"
      "CREATE INDEX things_by_billing_group ON things (billing_group, name)" },
    /* cas.registration: the registrationConfig as JSON; .template: the templateName in it. */
    { "provisioning templates",
      "CREATE TABLE provisioning_templates (name {text} PRIMARY KEY, settings {text} NOT NULL,"
      " default_version {int} NOT NULL, last_version {int} NOT NULL, created_ms {int} NOT NULL,"
      " modified_ms {int} NOT NULL) {strict};"
      "CREATE TABLE provisioning_versions (template {text} NOT NULL REFERENCES provisioning_templates (name),"
      " version {int} NOT NULL, body {text} NOT NULL, created_ms {int} NOT NULL,"
      " PRIMARY KEY (template, version)) {strict};"
      "ALTER TABLE cas ADD COLUMN registration {text};"
      "ALTER TABLE cas ADD COLUMN template {text} REFERENCES provisioning_templates (name);"
      "CREATE INDEX cas_by_template ON cas (template)" },
    /* lambda_versions.version 0 is $LATEST. */
    { "functions",
      "CREATE TABLE lambda_functions (name {text} PRIMARY KEY, last_version {int} NOT NULL,"
      " created_ms {int} NOT NULL) {strict};"
      "CREATE TABLE lambda_code (sha256 {text} PRIMARY KEY, content {blob} NOT NULL) {strict};"
      "CREATE TABLE lambda_versions (fn {text} NOT NULL REFERENCES lambda_functions (name),"
      " version {int} NOT NULL, config {text} NOT NULL, code_sha {text} NOT NULL REFERENCES lambda_code "
      "(sha256),"
      " code_size {int} NOT NULL, modified_ms {int} NOT NULL, revision {text} NOT NULL,"
      " PRIMARY KEY (fn, version)) {strict};"
      "CREATE INDEX lambda_versions_by_code ON lambda_versions (code_sha);"
      "CREATE TABLE lambda_aliases (fn {text} NOT NULL REFERENCES lambda_functions (name), name {text} NOT "
      "NULL,"
      " version {int} NOT NULL, description {text} NOT NULL, revision {text} NOT NULL,"
      " PRIMARY KEY (fn, name)) {strict}" },
    /* ownership_tokens.token: a hash; .used: the hash of the registration it served. */
    { "fleet provisioning",
      "CREATE TABLE ownership_tokens (token {text} PRIMARY KEY, certificate {text} NOT NULL, asker {text} "
      "NOT NULL,"
      " used {text}, expires_ms {int} NOT NULL) {strict};"
      "CREATE INDEX ownership_tokens_by_end ON ownership_tokens (expires_ms, token);"
      "CREATE TABLE provisioning_claims (cert_id {text} PRIMARY KEY, template {text} NOT NULL,"
      " not_before_ms {int} NOT NULL, expires_ms {int} NOT NULL) {strict}" },
    { "registration tasks",
      "CREATE TABLE registration_tasks (id {text} PRIMARY KEY, status {text} NOT NULL, token {text} NOT NULL,"
      " template {text} NOT NULL, bucket {text} NOT NULL, input {text} NOT NULL, role {text} NOT NULL,"
      " message {text} NOT NULL, position {int} NOT NULL, size {int} NOT NULL, line {int} NOT NULL,"
      " succeeded {int} NOT NULL, failed {int} NOT NULL, created_ms {int} NOT NULL, modified_ms {int} NOT "
      "NULL)"
      " {strict};"
      "CREATE INDEX registration_tasks_by_age ON registration_tasks (created_ms, id);"
      "CREATE TABLE registration_reports (task {text} NOT NULL REFERENCES registration_tasks (id),"
      " kind {text} NOT NULL, line {int} NOT NULL, content {text} NOT NULL, PRIMARY KEY (task, kind, line))"
      " {strict}" },
    /* The broker's journal (gateway/journal.h). mqtt_queue.n: the order of all queued messages; .message: the
     * row of mqtt_messages that several sessions wait for, otherwise topic, payload, props and ends_ms. */
    { "mqtt journal",
      "CREATE TABLE mqtt_sessions (client_id {text} PRIMARY KEY, version {int} NOT NULL,"
      " expiry_s {int} NOT NULL, ends_ms {int} NOT NULL) {strict};"
      "CREATE TABLE mqtt_subscriptions (client_id {text} NOT NULL, filter {text} NOT NULL, qos {int} NOT "
      "NULL,"
      " options {int} NOT NULL, sub_id {int} NOT NULL, PRIMARY KEY (client_id, filter)) {strict};"
      "CREATE TABLE mqtt_messages (id {int} PRIMARY KEY, topic {text} NOT NULL, payload {blob} NOT NULL,"
      " props {blob} NOT NULL, ends_ms {int} NOT NULL) {strict};"
      "CREATE TABLE mqtt_queue (n {int} PRIMARY KEY, client_id {text} NOT NULL, seq {int} NOT NULL,"
      " qos {int} NOT NULL, retain {int} NOT NULL, released {int} NOT NULL, sub_ids {blob} NOT NULL,"
      " message {int}, topic {text}, payload {blob}, props {blob}, ends_ms {int}) {strict};"
      "CREATE UNIQUE INDEX mqtt_queue_by_session ON mqtt_queue (client_id, seq);"
      "CREATE INDEX mqtt_queue_by_message ON mqtt_queue (message) WHERE message IS NOT NULL;"
      "CREATE TABLE mqtt_received (client_id {text} NOT NULL, packet_id {int} NOT NULL,"
      " PRIMARY KEY (client_id, packet_id)) {strict};"
      "CREATE TABLE mqtt_wills (client_id {text} PRIMARY KEY, topic {text} NOT NULL, payload {blob} NOT NULL,"
      " props {blob} NOT NULL, qos {int} NOT NULL, retain {int} NOT NULL, ends_ms {int} NOT NULL,"
      " due_ms {int} NOT NULL) {strict};"
      "CREATE TABLE mqtt_retained (topic {text} PRIMARY KEY, payload {blob} NOT NULL, props {blob} NOT NULL,"
      " qos {int} NOT NULL, ends_ms {int} NOT NULL) {strict}" },
    /* certificates.transferred_to: while it is offered; .transfer: dates and messages, JSON. transfers: what
     * was accepted and is not known to have arrived. */
    { "certificate transfer",
      "ALTER TABLE certificates ADD COLUMN transferred_to {text};"
      "ALTER TABLE certificates ADD COLUMN previous_owner {text};"
      "ALTER TABLE certificates ADD COLUMN transfer {text};"
      "CREATE INDEX certificates_outgoing ON certificates (created_ms, cert_id) WHERE transferred_to IS NOT "
      "NULL;"
      "CREATE TABLE transfers (cert_id {text} PRIMARY KEY, target {text} NOT NULL, content {text} NOT NULL,"
      " accepted_ms {int} NOT NULL) {strict}" },
    { "retained messages have a date",
      "ALTER TABLE mqtt_retained ADD COLUMN stored_ms {int} NOT NULL DEFAULT 0" },
    /* gg_deployments.source: the deployment that a redeployment repeats. gg_code: artifacts that are the
     * packages of functions, not copied. */
    { "functions of deployments", "ALTER TABLE gg_deployments ADD COLUMN source {text};"
                                  "CREATE TABLE gg_code (deployment {text} NOT NULL REFERENCES "
                                  "gg_deployments (uuid), name {text} NOT NULL,"
                                  " sha256 {text} NOT NULL, code_sha {text} NOT NULL REFERENCES lambda_code "
                                  "(sha256), size {int} NOT NULL,"
                                  " PRIMARY KEY (deployment, name)) {strict};"
                                  "CREATE INDEX gg_code_by_code ON gg_code (code_sha)" },
};

err_t schema_apply(struct db *db)
{
    return db_migrate(db, steps, ARRAY_LEN(steps));
}
