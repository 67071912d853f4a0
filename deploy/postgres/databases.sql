-- Run once, by the database image on an empty volume: a database for each service.
CREATE DATABASE kiroku_auth;
CREATE DATABASE kiroku_production;
CREATE DATABASE kiroku_tasks;
CREATE DATABASE kiroku_media;
CREATE DATABASE kiroku_imports;
