DROP TABLE uncounted_sign_ins;
