#include "services/control/schema.h"

namespace athena::control {

// The text of migration 1: its checksum is stored with every database, so it never changes again once it is
// released; what a later migration adds stands there.
//
// @group, then tables: the name, columns, and behind `+` the indexes. `names type`, `*` NOT NULL, `=x`
// default, `uniq`, `fk(table.id)` with what happens when that row goes (cascade, null), `check(a|b)`,
// `check(from..to)`, `any(…)` at least one of them is there. Types: pk (identity), uuid, ts, bool, json, int,
// big, num, text, blob; now = a ts that may not be null, by default the time of the insert.
std::string_view schema_text() {
  return R"(
@common
admin_audit_log
  id pk; created_at now; admin_audit_log_id uuid* uniq; request_id text*;
  actor_kind text* check(admin_key|cli|bootstrap|scheduler); actor text; action text*; object_type text*;
  object_id text*; before json; after json; remote_addr text; user_agent text; instance_id uuid
  + idx(created_at); idx(object_type,object_id,id); idx(action,id)
athena_schema_migrations
  version int primary key; name text*; checksum text*; min_version int*; applied_at now;
  athena_version text*
athena_control_version
  scope text primary key; version big*=0; updated_at now
athena_settings
  name text primary key; value text*; updated_at now
@auth
api_keys
  id pk; created_at now; api_keys_id uuid* uniq; public_id text* uniq; name text*; description text;
  client_name text; key_salt text*; key_hash text*; expires_at ts; is_active bool*=true; last_used_at ts;
  updated_at now; archived_at ts; change_version big*=0
  + idx(lower(client_name)); idx(expires_at); idx(change_version)
api_key_rights
  id pk; api_key_rights_id uuid* uniq; created_at now; name text* uniq; description text; updated_at now;
  change_version big*=0
api_key_right_grants
  id pk; api_key_right_grants_id uuid* uniq; api_key_id big* fk(api_keys.id) cascade;
  right_id big* fk(api_key_rights.id) cascade; created_at now
  + uniq(api_key_id,right_id); idx(right_id)
api_key_config
  id pk; api_key_config_id uuid* uniq; enforce_api_keys bool*=false; decided_at ts; created_at now;
  updated_at now
api_key_client_config
  id pk; api_key_client_config_id uuid* uniq; client_name text*; enforce_api_keys bool*=false;
  created_at now; updated_at now
  + uniq(lower(client_name))
api_key_auth_log
  id pk; api_key_auth_log_id uuid*; created_at now; time now; request_id text*;
  api_key_id big fk(api_keys.id) null; api_key_public_id text; client_name text; method text*;
  path text*; presented_key_hash text; presented_key_salt text; required_rights json;
  granted_rights json; authenticated bool*=false; authorized bool*=false; enforced bool*=false;
  failure_reason text; remote_addr text; user_agent text
  + brin(created_at); idx(api_key_id,id)
@main
athena_clients
  id pk; created_at now; athena_client_id uuid* uniq; client_name text*; description text; pg_uri text;
  pg_uri_env_var text; config_uri_template text; source text*='database' check(config|database|merged);
  is_active bool*=true; is_frozen bool*=false; last_synced_from_config_at ts; last_seen_at ts;
  metadata json*='{}'; updated_at now; deleted_at ts; change_version big*=0;
  any(pg_uri, pg_uri_env_var, config_uri_template, metadata.connection)
  + uniq(lower(client_name)) where deleted_at is null; idx(source); idx(is_active,is_frozen);
    idx(change_version)
api_registry
  id pk; created_at now; api_registry_id uuid* uniq; name text*; description text; config json*='{}';
  updated_at now
  + idx(updated_at desc)
cluster_mirrors
  id pk; created_at now; cluster_mirror_id uuid* uniq; url text* uniq; is_active bool*=true;
  priority int*=100; updated_at now
client_statistics
  id pk; created_at now; client_name text*;
  total_requests, successful_requests, failed_requests, total_cached_requests, total_operations big*=0;
  base_requests, base_successful, base_failed, base_cached, base_operations big*=0; last_request_at ts;
  last_operation_at ts; updated_at now
  + uniq(lower(client_name))
client_table_statistics
  id pk; created_at now; client_name text*; table_name text*; operation text*; total_operations big*=0;
  error_operations big*=0; base_operations, base_errors big*=0; last_operation_at ts; updated_at now
  + uniq(lower(client_name),table_name,operation); idx(table_name)
gateway_request_log
  id pk; created_at now; request_id text*; client, method, path, query_string text; status_code int;
  ipv4, user_agent text; headers, body json;
  user_id, company_id, organization_id, api_key_id, presented_api_key_public_id, presented_api_key_hash,
  presented_api_key_salt text;
  api_key_authenticated, api_key_authorized, api_key_enforced bool=false; api_key_auth_reason, host text;
  cached bool; time num*; route, route_group, engine, error_code, cache_outcome text; duration_ms num;
  request_bytes, response_bytes big; instance_id uuid
  + brin(created_at); idx(request_id)
gateway_operation_log
  id pk; created_at now; request_id text*; operation, table_name, client, method, path text;
  status_code int; duration_ms big; operation_time_ms num; details json; time num*; error bool=false;
  message, cache_key text; engine, error_code text; row_count big
  + brin(created_at); idx(client,table_name,operation,id)
gateway_connection_registry_realtime
  id pk; created_at now; registry_key text* uniq; client_name, ipv4, athena_url text*;
  api_key_public_id, api_key_external_id text; api_key_internal_id big;
  api_key_authenticated, api_key_authorized bool*=false;
  last_method, last_path, user_agent, last_request_id text; last_status_code int; total_hits big*=1;
  first_seen_at now; last_seen_at now; updated_at now
  + idx(client_name); idx(last_seen_at desc); idx(ipv4); idx(athena_url)
gateway_admission_events
  id pk; created_at now; event_id text* uniq; method text*; route text*; client_name text;
  request_bytes big; defer_requested bool*=false; is_query_route bool*=false;
  decision text* check(deferred|rejected|allowed); reason text; deferred_request_id text;
  retry_after_seconds, window_seconds, global_limit_per_window, per_client_limit_per_window int;
  meta json*='{}'
  + idx(created_at); idx(decision,id); idx(client_name,id)
pipeline_step_log
  id pk; created_at now; pipeline_run_id uuid*; request_id text*; api_key_public_id text; pipeline text;
  step text* check(source|transform|sink); client_name text; table_name text;
  status text* check(success|partial|failed|skipped); rows_in, rows_out, rows_failed big*=0;
  error_code text; message text; duration_ms num*; details json*='{}'
  + idx(pipeline_run_id); idx(created_at)
client_alert_queries
  id pk; created_at now; client_name, summary, db_statement text; elapsed_secs, slow_threshold_secs num;
  rows_affected, rows_returned big; request_id text
  + idx(created_at); idx(client_name,id)
gateway_deferred_requests
  id pk; created_at now; request_id text* uniq; caller_request_id text; run_marker text;
  client_name text*; api_key_public_id text; method text*; route text*; headers json*; body blob*;
  state text*='queued' check(queued|running|completed|failed|cancelled); priority int*=0;
  attempts int*=0; max_attempts int*=3; run_after now; deadline_at ts; lease_token uuid;
  lease_expires_at ts; instance_id uuid; started_at ts; completed_at ts; status_code int;
  response_headers json; response_body blob; error_code text; error_message text; expires_at ts*;
  updated_at now
  + idx(state,priority desc,run_after,id); idx(lease_expires_at) where state='running'; idx(expires_at)
gateway_idempotency_keys
  id pk; created_at now; client_name text*; api_key_public_id text*='ANON'; route text*;
  idempotency_key text*; request_hash text*; state text* check(in_flight|done|unknown); run_marker text;
  status_code int; response_headers json; response_body blob; lease_expires_at ts; expires_at ts*
  + uniq(lower(client_name),api_key_public_id,route,idempotency_key); idx(expires_at)
backup_schedules
  id pk; client_name text*; pg_uri text; frequency text* check(hourly|daily|weekly|monthly);
  cron_expression text*; time_of_day text*='02:00'; day_of_week int check(0..6);
  day_of_month int check(1..28); label text; enabled bool*=true; timeout_seconds int*=3600;
  recovery_strategy text*='none'; keep_last int; last_run_at ts; last_job_id big; next_run_at ts;
  created_at now; updated_at now
  + idx(next_run_at) where enabled; idx(client_name)
backup_jobs
  id pk; job_uuid uuid* uniq; job_type text* check(backup|restore); client_name text*;
  status text* check(pending|running|completed|failed|cancelled); progress_pct int*=0;
  progress_stage text; s3_bucket, s3_key, label text; size_bytes big; sha256 text;
  error_code, error_message text; timeout_seconds int*=3600; timed_out bool*=false;
  recovery_strategy text*='none'; pg_uri text; options json*='{}';
  schedule_id big fk(backup_schedules.id) null; cancel_requested bool*=false; attempt int*=0;
  max_attempts int*=2; lease_token uuid; lease_expires_at ts; execution_daemon_id text;
  requested_by text; created_at now; started_at ts; updated_at now; completed_at ts
  + idx(status,id); idx(client_name,id); idx(completed_at desc,id) where status='completed'
backup_job_logs
  id pk; job_id big* fk(backup_jobs.id) cascade; level text* check(info|warn|error); message text*;
  created_at now
  + idx(job_id,id)
database_audit_log
  id pk; created_at now; database_audit_log_id uuid* uniq; time num*; request_id text*;
  client_name text*; schema_name text*; table_name text; object_type text*; operation text*;
  status text* check(pending|success|failed); api_key_id uuid;
  api_key_public_id, user_id, company_id, organization_id text; request_payload json*='{}';
  executed_sql json*='[]'; result_payload json*='{}'; error_message, remote_addr, user_agent text;
  duration_ms big
  + idx(request_id); idx(client_name,id); idx(schema_name,table_name,id)
athena_instances
  instance_id uuid primary key; hostname text*; pid int*; version text*; url text; started_at now;
  last_seen_at now
query_history
  id uuid primary key; query text*; client_name text; status text*='success'; execution_time_ms num;
  error_message text; row_count int; executed_at now
  + idx(client_name); idx(executed_at desc)
saved_queries
  id uuid primary key; name text*; description text; query text*; client_name text;
  schema_name text='public'; tags json*='[]'; created_by text; created_at now; updated_at now
  + idx(client_name)
ui_request_log
  id uuid primary key; method text*; path text*; athena_url text*; client_name text; status_code int;
  duration_ms num; error_message text; request_body json; response_preview text; created_at now
  + idx(created_at desc)
)";
}

}  // namespace athena::control
