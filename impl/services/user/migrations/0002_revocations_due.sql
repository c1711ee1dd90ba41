-- Users whose credentials must be revoked, since their roles or state changed, and for whom that is not done yet: written with the change.
create table revocations_due (
  user_id uuid primary key references users,
  -- The user's version with the latest such change.
  version bigint not null,
  -- Whether its sessions end, or are only to be refreshed.
  end_sessions boolean not null
);
