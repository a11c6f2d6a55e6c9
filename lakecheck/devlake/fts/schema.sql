CREATE TABLE IF NOT EXISTS jobs (
  job_id TEXT PRIMARY KEY, job_state TEXT NOT NULL, job_type TEXT NOT NULL, job_finished TEXT,
  reason TEXT, source_se TEXT, dest_se TEXT, vo_name TEXT, user_dn TEXT, cred_id TEXT,
  submit_time TEXT, submit_host TEXT, priority INTEGER, verify_checksum TEXT, job_metadata TEXT,
  overwrite_flag INTEGER, retry INTEGER, retry_delay INTEGER, max_time_in_queue INTEGER,
  bring_online INTEGER, copy_pin_lifetime INTEGER, timeout REAL, cancel_job INTEGER DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS jobs_open ON jobs (job_finished, job_state);
CREATE INDEX IF NOT EXISTS jobs_expiry ON jobs (max_time_in_queue) WHERE job_finished IS NULL;
CREATE TABLE IF NOT EXISTS files (
  file_id INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL, file_index INTEGER,
  file_state TEXT NOT NULL, source_surl TEXT, dest_surl TEXT, source_se TEXT, dest_se TEXT,
  vo_name TEXT, user_filesize INTEGER, filesize INTEGER, checksum TEXT, reason TEXT,
  tx_duration REAL, throughput REAL, start_time TEXT, finish_time TEXT, staging_start TEXT,
  staging_finished TEXT, retry INTEGER DEFAULT 0, transfer_host TEXT, log_file TEXT,
  activity TEXT, file_metadata TEXT, selection_strategy TEXT, priority INTEGER,
  link TEXT, ready_at REAL, copying INTEGER DEFAULT 0
);
CREATE INDEX IF NOT EXISTS files_of_job ON files (job_id);
CREATE INDEX IF NOT EXISTS files_queue ON files (file_state, link, priority DESC, file_id);
CREATE INDEX IF NOT EXISTS files_destination ON files (dest_surl, file_state);
CREATE TABLE IF NOT EXISTS retries (
  file_id INTEGER, attempt INTEGER, datetime TEXT, reason TEXT, PRIMARY KEY (file_id, attempt)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS credentials (
  dlg_id TEXT PRIMARY KEY, dn TEXT, request TEXT, key TEXT, proxy TEXT, ends REAL
) WITHOUT ROWID;
