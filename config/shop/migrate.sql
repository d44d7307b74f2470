create table if not exists orders (
    id bigint generated always as identity primary key,
    placed timestamptz not null default now(),
    done timestamptz
);
