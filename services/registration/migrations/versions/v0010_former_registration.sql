-- The state in which a withdrawn participant was before it registered again. It has the columns of `participant`.
create table former_registration (like participant, primary key (id, revision));
